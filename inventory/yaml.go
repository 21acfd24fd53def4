package inventory

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxFile is far above the inventory of any fabric: 10,000 nodes take 1 MB.
const maxFile = 8 << 20

// readYAML returns the file's root node, or nil and one error.
func (p *problems) readYAML(data []byte) *yaml.Node {
	if len(data) > maxFile {
		p.errorf(at{}, "name an inventory with -f", "the file has %d bytes, which no inventory has", len(data))
		return nil
	}
	var doc, more yaml.Node
	r := &lineReader{data: data}
	dec := yaml.NewDecoder(r)
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) || err == nil && isNull(doc.Content[0]) {
		p.errorf(at{line: 1, column: 1}, "start with `ipfabric inventory example`", "the file is empty")
		return nil
	}
	if err == nil {
		err = dec.Decode(&more)
		if err == nil {
			p.errorf(at{line: more.Line, column: more.Column}, "remove the line --- and what follows, or write a file for each fabric", "a second YAML document begins here")
			return nil
		}
	}
	if !errors.Is(err, io.EOF) {
		p.syntaxError(data, r.lines, err)
		return nil
	}
	return doc.Content[0]
}

// A lineReader returns one line with each Read. yaml.v3 reads no further than it
// must, so the number of lines that it has read tells where it failed; the line
// in its error is often that of the block around the mistake.
type lineReader struct {
	data  []byte
	lines int
}

func (r *lineReader) Read(b []byte) (int, error) {
	if len(r.data) == 0 {
		return 0, io.EOF
	}
	n := bytes.IndexByte(r.data, '\n') + 1
	if n == 0 {
		n = len(r.data)
	}
	copied := copy(b, r.data[:n])
	if copied == n {
		r.lines++
	}
	r.data = r.data[copied:]
	return copied, nil
}

// syntaxError records the YAML parser's error, at the line where the mistake begins.
func (p *problems) syntaxError(data []byte, line int, err error) {
	read := max(line, 1)
	line = troubleLine(data, read, err)
	text := lineText(data, line)
	indent := len(text) - len(strings.TrimLeft(text, " \t"))
	where := at{line: line, column: indent + 1}
	if tab := strings.IndexByte(text[:indent], '\t'); tab >= 0 {
		where.column = tab + 1
		p.errorf(where, "indent with spaces", "YAML takes no tab as indentation")
		return
	}
	_, msg := yamlError(err)
	hint := syntaxHint(msg, text)
	bracket, open := bracketHint(text)
	if bracket != "" && strings.Contains(msg, "did not find expected") {
		hint = bracket
	}
	if line < read && strings.ContainsAny(text, "\"'[{") && (bracket == "" || open) {
		hint = fmt.Sprintf("close the quote or bracket that this line opens; the mistake is between it and line %d", read)
	}
	p.errorf(where, hint, "not valid YAML: %s", msg)
}

// yamlError splits "yaml: line 3: what is wrong"; the line is 0 if there is none.
func yamlError(err error) (line int, msg string) {
	msg = strings.TrimPrefix(err.Error(), "yaml: ")
	if n, rest, ok := strings.Cut(strings.TrimPrefix(msg, "line "), ": "); ok {
		if line, err := strconv.Atoi(n); err == nil {
			return line, rest
		}
	}
	return 0, msg
}

// troubleLine returns the line where the mistake begins: the last one such that the lines before it
// are valid YAML by themselves. So an open quote or bracket is reported where it is opened, not at
// the end of the file.
func troubleLine(data []byte, line int, err error) int {
	budget := 8 << 20 // bytes to parse in search of it: a fraction of a second
	for first := line; first >= 1 && budget > 0; first-- {
		before := firstLines(data, first-1)
		budget -= len(before)
		var n yaml.Node
		if yaml.Unmarshal(before, &n) == nil {
			return first
		}
	}
	if said, _ := yamlError(err); said > 0 {
		return said
	}
	return line
}

func firstLines(data []byte, n int) []byte {
	end := 0
	for range n {
		i := bytes.IndexByte(data[end:], '\n')
		if i < 0 {
			return data
		}
		end += i + 1
	}
	return data[:end]
}

func lineText(data []byte, line int) string {
	rest := data[len(firstLines(data, line-1)):]
	text, _, _ := bytes.Cut(rest, []byte("\n"))
	return string(text)
}

// syntaxHint says what usually causes an error of the YAML parser.
func syntaxHint(msg, text string) string {
	value := strings.TrimSpace(text)
	if _, after, ok := strings.Cut(value, ": "); ok {
		value = strings.TrimSpace(after)
	}
	switch {
	case strings.Contains(msg, "unexpected end of stream"), strings.Contains(msg, "',' or"):
		return "close the quotes and brackets that this line opens"
	case value != "" && strings.ContainsRune("@`%&*!|>{[", rune(value[0])) && strings.Contains(msg, "character that cannot start"):
		return fmt.Sprintf("put the value in quotes: it begins with %c", value[0])
	case strings.Contains(msg, "mapping values are not allowed"), strings.Contains(msg, "could not find expected ':'"):
		return "write one `key: value` a line, with a space after the colon, and look at the line above too"
	case strings.Contains(msg, "did not find expected"):
		return "give all keys of one block the same indentation"
	case strings.Contains(msg, "octet"), strings.Contains(msg, "control characters"):
		return "save the file as UTF-8 text"
	}
	return "look at this line and the one above"
}

// bracketHint says which bracket of a line has no partner in that line, "" if all have one. An open
// bracket may be closed by a later line.
func bracketHint(line string) (hint string, open bool) {
	var waiting []rune // those that wait for their partner
	var quote rune     // the one that is open, 0 outside of quotes
	before := ' '
	for _, r := range line {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case (r == '"' || r == '\'') && strings.ContainsRune(" [{,:", before):
			quote = r
		case r == '#' && before == ' ':
			return openHint(waiting)
		case r == '[' || r == '{':
			waiting = append(waiting, r)
		case r == ']' || r == '}':
			if len(waiting) == 0 {
				return fmt.Sprintf("remove the %c: no bracket is open that it could close", r), false
			}
			if last := waiting[len(waiting)-1]; partner(last) != r {
				return fmt.Sprintf("close the bracket: there is %c where the %c needs a %c", r, last, partner(last)), false
			}
			waiting = waiting[:len(waiting)-1]
		}
		before = r
	}
	return openHint(waiting)
}

func openHint(waiting []rune) (hint string, open bool) {
	if len(waiting) == 0 {
		return "", false
	}
	last := waiting[len(waiting)-1]
	return fmt.Sprintf("close the bracket that this line opens: the %c needs a %c", last, partner(last)), true
}

func partner(bracket rune) rune {
	if bracket == '[' {
		return ']'
	}
	return '}'
}
