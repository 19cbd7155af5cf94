package main

// level says how much a finding matters.
type level string

const (
	levelOK      level = "ok"
	levelNote    level = "note"
	levelProblem level = "problem"
)

// finding is one thing that the doctor has to say.
type finding struct {
	// ID names the kind of finding, for scripts; it does not change. One kind may be found several times.
	ID    string `json:"id"`
	Topic string `json:"topic"`
	Level level  `json:"level"`
	Text  string `json:"text"`
	// Fix is how to mend it, "" if nothing needs to be or can be done.
	Fix string `json:"fix,omitempty"`
}

// findings collects what there is to say about one topic.
type findings struct {
	topic string
	list  []finding
}

func (f *findings) ok(id, text string)        { f.add(id, levelOK, text, "") }
func (f *findings) note(id, text, fix string) { f.add(id, levelNote, text, fix) }
func (f *findings) problem(id, text, fix string) {
	f.add(id, levelProblem, text, fix)
}

func (f *findings) add(id string, l level, text, fix string) {
	f.list = append(f.list, finding{ID: id, Topic: f.topic, Level: l, Text: text, Fix: fix})
}

// worst is the highest level there is.
func worst(list []finding) level {
	level := levelOK
	for _, f := range list {
		if f.Level == levelProblem {
			return levelProblem
		}
		if f.Level == levelNote {
			level = levelNote
		}
	}
	return level
}
