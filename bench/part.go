package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/pushmail/pushmail/bench/clients"
	"github.com/pushmail/pushmail/bench/recording"
	"github.com/pushmail/pushmail/bench/replay"
)

// parts are what runs in processes of their own: this program again, with one of these as the first argument.
var parts = map[string]func(ctx context.Context, args []string) error{
	"replay": replayPart,
	"client": clientPart,
}

// offer is what the replay process says when it is ready.
type offer struct {
	Addr   string           `json:"addr"`
	Totals recording.Totals `json:"totals"`
}

// replayPart is "replay MESSAGES SEED". It ends when its stdin does, and so with its parent.
func replayPart(_ context.Context, args []string) error {
	if len(args) != 2 {
		return errors.New("want: replay MESSAGES SEED")
	}
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	seed, err := strconv.ParseUint(args[1], 10, 64)
	if err != nil {
		return err
	}
	r := recording.New(n, seed)
	s, err := replay.Listen(r)
	if err != nil {
		return err
	}
	go s.Serve()
	if err := json.NewEncoder(os.Stdout).Encode(offer{s.Addr(), r.Totals}); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return nil
}

// clientPart is "client NAME ADDR TOTALS [PROFILE]".
func clientPart(ctx context.Context, args []string) error {
	if len(args) != 3 && len(args) != 4 {
		return errors.New("want: client NAME ADDR TOTALS [PROFILE]")
	}
	c := clients.Find(args[0])
	if c == nil {
		return fmt.Errorf("no client is named %q", args[0])
	}
	var sent recording.Totals
	if err := json.Unmarshal([]byte(args[2]), &sent); err != nil {
		return err
	}
	if len(args) == 4 {
		f, err := os.Create(args[3])
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	r, err := c.Run(ctx, args[1], sent)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// replayProcess is a running "replay".
type replayProcess struct {
	offer
	cmd   *exec.Cmd
	stdin io.Closer
}

func startReplay(ctx context.Context, messages int, seed uint64) (*replayProcess, error) {
	cmd := self(ctx, "replay", strconv.Itoa(messages), strconv.FormatUint(seed, 10))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &replayProcess{cmd: cmd, stdin: stdin}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &p.offer)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("replay server: %w", err), p.stop())
	}
	return p, nil
}

func (p *replayProcess) stop() error {
	return errors.Join(p.stdin.Close(), p.cmd.Wait())
}

// runClient does the work of a client once, in a process of its own.
func (p *replayProcess) runClient(ctx context.Context, c *clients.Client) (*clients.Result, error) {
	totals, err := json.Marshal(p.Totals)
	if err != nil {
		return nil, err
	}
	out, err := self(ctx, "client", c.Name, p.Addr, string(totals)).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = errors.New(strings.TrimSpace(string(exit.Stderr)))
		}
		return nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	r := &clients.Result{}
	if err := json.Unmarshal(out, r); err != nil {
		return nil, fmt.Errorf("%s said %q: %w", c.Name, out, err)
	}
	if r.Skipped == "" && !c.Saw(r.Totals, p.Totals) {
		return nil, fmt.Errorf("%s has not seen what was sent: it counted %+v, sent were %+v", c.Name, r.Totals, p.Totals)
	}
	return r, nil
}

// self is this program with other arguments.
func self(ctx context.Context, args ...string) *exec.Cmd {
	path, err := os.Executable()
	if err != nil {
		path = os.Args[0]
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stderr = nil
	cmd.WaitDelay = 5 * time.Second
	return cmd
}
