package bgp

import (
	"encoding/json"
	"strings"
)

// eachDocument calls f for each JSON document of what vtysh printed: there are
// lines of text between them where FRR has something to say. f gets where the
// document begins, and must read it with the decoder.
func eachDocument(out string, f func(at int, dec *json.Decoder) error) error {
	for at := 0; ; {
		start := documentStart(out[at:])
		if start < 0 {
			return nil
		}
		at += start
		dec := json.NewDecoder(strings.NewReader(out[at:]))
		if err := f(at, dec); err != nil {
			return err
		}
		at += int(dec.InputOffset())
	}
}

// documentStart returns where a line begins with an opening brace, -1 if none does.
func documentStart(s string) int {
	if strings.HasPrefix(s, "{") {
		return 0
	}
	if i := strings.Index(s, "\n{"); i >= 0 {
		return i + 1
	}
	return -1
}
