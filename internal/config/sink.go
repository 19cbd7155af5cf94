package config

import (
	"net/netip"
	"time"

	"github.com/pushmail/pushmail/internal/secret"
)

// Sink is a place that events are brought to. Of the pointers that one is set which its Type names.
type Sink struct {
	// Name is its own among sinks; its cursor in the journal goes by it.
	Name string   `toml:"name"`
	Type SinkType `toml:"type"`
	// Retry are the pauses before the second, third… attempt to deliver an event; after the last the event is a dead letter.
	// Nil means the schedule of Standard Webhooks.
	Retry []time.Duration `toml:"retry"`

	Stdout  *StdoutSink  `toml:"-"`
	Exec    *ExecSink    `toml:"-"`
	Webhook *WebhookSink `toml:"-"`
	NATS    *NATSSink    `toml:"-"`
	Files   *FileSink    `toml:"-"`
}

// SinkType is a kind of sink.
type SinkType string

// The types of sinks.
const (
	Stdout  SinkType = "stdout"
	Exec    SinkType = "exec"
	Webhook SinkType = "webhook"
	NATS    SinkType = "nats"
	File    SinkType = "file"
)

// StdoutSink writes lines of JSON to standard output. There can be one.
type StdoutSink struct{}

// ExecSink runs a program for each event.
type ExecSink struct {
	// Command is the program and its arguments; no shell is asked.
	Command []string `toml:"command"`
	// Timeout is how long it may run. 30 seconds unless given.
	Timeout time.Duration `toml:"timeout"`
	// Concurrency is how many may run at a time, each for another mailbox. 4 unless given.
	Concurrency int `toml:"concurrency"`
	// Env has variables that it gets besides its own, by name.
	Env map[string]secret.Ref `toml:"env"`
	// Dir is where it runs. Empty means the directory that pushmail runs in.
	Dir string `toml:"dir"`
}

// WebhookSink posts each event to a URL.
type WebhookSink struct {
	URL string `toml:"url"`
	// Secrets refer to the keys to sign with: "whsec_…" is HMAC-SHA256, "whsk_…" is ed25519. All of them sign, so that a key
	// can be exchanged.
	Secrets []secret.Ref `toml:"secret"`
	// Token refers to what is sent as "Authorization: Bearer TOKEN". The zero Ref is nothing.
	Token secret.Ref `toml:"token"`
	// Headers are sent with each request.
	Headers map[string]string `toml:"headers"`
	// Timeout is how long an answer may take. 30 seconds unless given.
	Timeout time.Duration `toml:"timeout"`
	// Concurrency is how many requests may be under way, each for another mailbox. 8 unless given.
	Concurrency int `toml:"concurrency"`
	// GiveUpOn are statuses after which an event is not tried again.
	GiveUpOn []int `toml:"give_up_on"`
	// Allow are networks that may be connected to although they are private, loopback or link-local.
	Allow []netip.Prefix `toml:"allow"`
	// CAFile, ClientCert and ClientKey are files in PEM.
	CAFile     string `toml:"ca_file"`
	ClientCert string `toml:"client_cert"`
	ClientKey  string `toml:"client_key"`
}

// NATSSink publishes each event to a JetStream.
type NATSSink struct {
	// URLs are those of the servers of a cluster, without passwords.
	URLs []string `toml:"url"`
	// Subject is what is published to; {account}, {mailbox} and {type} stand for those of the event. "pushmail.events" unless
	// given.
	Subject string `toml:"subject"`
	// Stream must be the one that acknowledges. Empty takes any.
	Stream string `toml:"stream"`
	// At most one way to log in is given: CredsFile, NKey, Token, or User and Password.
	CredsFile string     `toml:"creds_file"`
	NKey      secret.Ref `toml:"nkey"`
	Token     secret.Ref `toml:"token"`
	User      string     `toml:"user"`
	Password  secret.Ref `toml:"password"`
	// Timeout is how long an acknowledgement may take. 10 seconds unless given.
	Timeout time.Duration `toml:"timeout"`
	// CAFile, ClientCert and ClientKey are files in PEM.
	CAFile     string `toml:"ca_file"`
	ClientCert string `toml:"client_cert"`
	ClientKey  string `toml:"client_key"`
}

// FileSink appends each event to a file, as a line of JSON.
type FileSink struct {
	Path string `toml:"path"`
	// MaxSize and MaxAge are when a new file is begun and the old one set aside. Zero is never.
	MaxSize Size          `toml:"max_size"`
	MaxAge  time.Duration `toml:"max_age"`
	// Keep is how many files that were set aside are kept. Zero is all.
	Keep int `toml:"keep"`
}
