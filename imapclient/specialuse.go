package imapclient

import (
	"context"
	"slices"
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// SpecialUses are mailboxes by what they are for: by [imap.AttrSent] and its like (RFC 6154, RFC 8457). A
// use can have several mailboxes, and a mailbox several uses.
type SpecialUses map[imap.Attr][]*Listed

// Mailbox returns the name of the mailbox with a use, or "". If there are several, it is the first that
// exists. One with [imap.AttrNonExistent] does not yet, and is there to be created (RFC 9051 section
// 6.3.10).
func (s SpecialUses) Mailbox(use imap.Attr) string {
	boxes := s[use]
	if i := slices.IndexFunc(boxes, func(l *Listed) bool { return !l.Has(imap.AttrNoSelect) }); i >= 0 {
		return boxes[i].Mailbox
	}
	if len(boxes) > 0 {
		return boxes[0].Mailbox
	}
	return ""
}

// SpecialUses finds the mailboxes with a special use, by one LIST (SPECIAL-USE), else XLIST, else the
// attributes that a plain LIST gives: Exchange Online and Zoho send them and do not announce it.
//
// If the server announces nothing and no mailbox has such an attribute, the error is an
// *[UnsupportedError], though a LIST was sent. It does not guess; [GuessSpecialUses] does.
func (c *Conn) SpecialUses(ctx context.Context) (SpecialUses, error) {
	boxes, err := c.List(ctx, &imap.ListOptions{SpecialUse: true})
	if err != nil {
		return nil, err
	}
	found := SpecialUses{}
	for _, box := range boxes {
		for _, use := range box.Attrs {
			if use.IsSpecialUse() {
				found[use] = append(found[use], box)
			}
		}
	}
	return found, nil
}

// GuessSpecialUses finds mailboxes by what clients commonly call them, in a dozen languages: "Sent",
// "Gesendet". It is for servers that do not say, and can be wrong: somebody may keep something else under
// such a name. Do not delete by it.
//
// Only mailboxes at the top, below INBOX or below Gmail's folder are looked at, and only those that can be
// selected. Of several names for one use the more usual one comes first. boxes are those of [Conn.List].
func GuessSpecialUses(boxes []*Listed) SpecialUses {
	byName := map[string][]*Listed{}
	for _, box := range boxes {
		if !box.Has(imap.AttrNoSelect) && isNearTop(box) {
			name := loose(box.Base())
			byName[name] = append(byName[name], box)
		}
	}
	found := SpecialUses{}
	for _, known := range knownNames {
		for name := range strings.SplitSeq(known.names, "|") {
			if boxes := byName[loose(name)]; boxes != nil {
				found[known.use] = append(found[known.use], boxes...)
			}
		}
	}
	return found
}

func isNearTop(box *Listed) bool {
	parent := box.Parent()
	return parent == "" || imap.SameMailbox(parent, "INBOX") || parent == "[Gmail]" || parent == "[Google Mail]"
}

// knownNames are the names that mail programs and providers give, the usual ones first: English, then
// German, French, Spanish, Italian, Portuguese, Dutch, Polish, Czech, Swedish, Danish and Norwegian,
// Finnish, Turkish, Russian, Japanese, Chinese.
var knownNames = []struct {
	use   imap.Attr
	names string
}{
	{imap.AttrSent, "Sent|Sent Messages|Sent Items|Sent Mail|Gesendet|Gesendete Elemente|Gesendete Objekte|Envoyés|Éléments envoyés|Messages envoyés|" +
		"Enviados|Elementos enviados|Mensajes enviados|Inviata|Posta inviata|Itens enviados|Verzonden|Verzonden items|Wysłane|Elementy wysłane|" +
		"Odeslané|Odeslaná pošta|Skickat|Skickade objekt|Sendt|Sendt post|Sendte elementer|Lähetetyt|Gönderilmiş Öğeler|Gönderilenler|Отправленные|送信済み|送信済みアイテム|已发送|已发送邮件|寄件備份"},
	{imap.AttrDrafts, "Drafts|Draft|Entwürfe|Brouillons|Borradores|Bozze|Rascunhos|Concepten|Wersje robocze|Kopie robocze|Koncepty|Rozepsané|Utkast|Kladder|Luonnokset|Taslaklar|Черновики|下書き|草稿|草稿箱"},
	{imap.AttrTrash, "Trash|Deleted Items|Deleted Messages|Deleted|Bin|Papierkorb|Gelöschte Elemente|Gelöscht|Corbeille|Éléments supprimés|Papelera|Elementos eliminados|Cestino|Posta eliminata|" +
		"Lixeira|Lixo|Itens excluídos|Prullenbak|Verwijderde items|Kosz|Elementy usunięte|Koš|Odstraněná pošta|Papperskorgen|Borttaget|Papirkurv|Slettet post|Roskakori|Çöp Kutusu|Silinmiş Öğeler|Корзина|Удаленные|ゴミ箱|削除済みアイテム|已删除|已删除邮件|垃圾桶"},
	{imap.AttrJunk, "Junk|Spam|Junk E-mail|Junk Email|Junk Mail|Bulk Mail|Bulk|Spamverdacht|Junk-E-Mail|Unerwünscht|Courrier indésirable|Indésirables|Pourriel|Correo no deseado|Posta indesiderata|" +
		"Lixo eletrônico|Ongewenste e-mail|Wiadomości-śmieci|Nevyžádaná pošta|Skräppost|Uønsket e-post|Roskaposti|İstenmeyen|Önemsiz E-posta|Спам|Нежелательная почта|迷惑メール|垃圾邮件|垃圾郵件"},
	{imap.AttrArchive, "Archive|Archives|Archiv|Archivo|Archivio|Arquivo|Archief|Archiwum|Arkiv|Arkisto|Arşiv|Архив|アーカイブ|归档|存档"},
}
