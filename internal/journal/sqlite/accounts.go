package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pushmail/pushmail/internal/journal"
)

// PutAccount implements [journal.Accounts].
func (j *Journal) PutAccount(ctx context.Context, name string, sealed []byte) error {
	if sealed == nil {
		sealed = []byte{}
	}
	return j.do(ctx, func(t *tx) error {
		return t.exec("INSERT OR REPLACE INTO account (name, sealed, updated_at) VALUES (?, ?, ?)", name, sealed, t.now)
	})
}

// Accounts implements [journal.Accounts].
func (j *Journal) Accounts(ctx context.Context) (out []journal.Account, err error) {
	err = j.query(ctx, func(rows *sql.Rows) error {
		var a journal.Account
		err := rows.Scan(&a.Name, &a.Sealed, when{&a.UpdatedAt})
		out = append(out, a)
		return err
	}, "SELECT name, sealed, updated_at FROM account ORDER BY name")
	return out, err
}

// DeleteAccount implements [journal.Accounts].
func (j *Journal) DeleteAccount(ctx context.Context, name string) error {
	return j.do(ctx, func(t *tx) error {
		n, err := t.change("DELETE FROM account WHERE name = ?", name)
		if err == nil && n == 0 {
			err = refusal{fmt.Errorf("account %q: %w", name, journal.ErrNotFound)}
		}
		return err
	})
}

// ForgetCheckpoints implements [journal.Accounts].
func (j *Journal) ForgetCheckpoints(ctx context.Context, account string) error {
	return j.do(ctx, func(t *tx) error {
		if err := t.exec("DELETE FROM checkpoint WHERE account = ?", account); err != nil {
			return err
		}
		return t.exec("DELETE FROM uncovered WHERE account = ?", account)
	})
}
