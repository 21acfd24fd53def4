package vm

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// FileVersion is the newest version of a VM's file that this program knows. A
// file without the key "version" has version 1, and files of version 1 are
// written without it, as agents from before there were versions take it for an
// error.
//
// A later agent may add a key without a new version if it does no harm that an
// older agent ignores it. If an older agent would do the wrong thing without
// the key, the version goes up.
const FileVersion = 1

// A File is one VM as it is stored on the agent's disk.
type File struct {
	VM VM
	// Version is that of the agent that wrote it.
	Version int
	// Unknown are the keys that this program does not know, "version" if it is
	// higher than FileVersion among them. They are written back as they were, so
	// that the agent that wrote them finds them again.
	Unknown map[string]json.RawMessage
}

// Newer says whether the file's version is higher than what this program knows.
func (f *File) Newer() bool { return f.Version > FileVersion }

// UnknownKeys are the keys that this program does not know, sorted.
func (f *File) UnknownKeys() []string {
	var out []string
	for k := range f.Unknown {
		if k != "version" {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// ParseFile reads a VM's file and checks the VM. Keys that it does not know are
// no error. If the VM cannot be used, the File still has its version and its
// unknown keys, as far as they can be read.
func ParseFile(data []byte) (File, error) {
	f := File{Version: 1}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		_, err := Decode(data) // says it in plain words
		if err == nil {
			err = fmt.Errorf("it is not a JSON object")
		}
		return f, err
	}
	known := keysOf(reflect.TypeFor[VM]())
	for k, value := range all {
		if slices.ContainsFunc(known, func(s string) bool { return strings.EqualFold(s, k) }) {
			continue
		}
		if k == "version" {
			if json.Unmarshal(value, &f.Version) != nil || f.Version < 1 {
				return f, fmt.Errorf("version %.20s: write a number, or leave it out", value)
			}
			if !f.Newer() {
				continue
			}
		}
		if f.Unknown == nil {
			f.Unknown = map[string]json.RawMessage{}
		}
		f.Unknown[k] = value
		delete(all, k)
	}
	delete(all, "version")
	rest, err := json.Marshal(all)
	if err != nil {
		return f, err
	}
	v, err := Parse(rest)
	if err != nil {
		return f, err
	}
	f.VM = *v
	return f, nil
}

// Marshal gives the file's bytes: the VM's keys in their order, then the
// unknown ones by name.
func (f *File) Marshal() ([]byte, error) {
	data, err := json.MarshalIndent(f.VM, "", "  ")
	if err != nil {
		return nil, err
	}
	if len(f.Unknown) > 0 {
		more, err := json.MarshalIndent(f.Unknown, "", "  ")
		if err != nil {
			return nil, err
		}
		data = append(data[:len(data)-len("\n}")], ',')
		data = append(data, more[len("{"):]...)
	}
	return append(data, '\n'), nil
}

// keysOf are the JSON keys of a struct without embedded structs.
func keysOf(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		out = append(out, name)
	}
	return out
}
