package ui

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ipfabric/steps/verify"
)

// The JUnit form: a suite for each host with its checks, one for each route
// reflector with its sessions, and one for each node with its VMs. Only what CI systems agree on is used.
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Timestamp string      `xml:"timestamp,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Failure *junitMessage `xml:"failure"`
	Skipped *junitMessage `xml:"skipped"`
	Output  string        `xml:"system-out,omitempty"` // a warning
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// junit gives a report in that form.
func junit(r *verify.Report) junitSuites {
	all := junitSuites{Name: "ipfabric verify " + r.Fabric}
	for _, h := range r.Hosts {
		suite := junitSuite{Name: h.Role + " " + h.Host}
		for _, c := range h.Checks {
			suite.add(h.Host, c.Name, c.Status, c.Detail, c.Hint)
		}
		all.add(suite, r.Time)
	}
	for _, rr := range reflectors(r) {
		suite := junitSuite{Name: "sessions of " + rr}
		for _, s := range r.Sessions {
			if s.RR == rr {
				suite.add(rr, s.Peer+" "+s.Family, s.Status, s.Detail, s.Hint)
			}
		}
		all.add(suite, r.Time)
	}
	var suite junitSuite
	for _, v := range r.VMs {
		if name := "VMs of " + v.Node; name != suite.Name {
			all.add(suite, r.Time)
			suite = junitSuite{Name: name}
		}
		suite.add(v.Node, vmName(v), v.Status, v.Detail, v.Hint)
	}
	all.add(suite, r.Time)
	return all
}

func (s *junitSuite) add(class, name string, status verify.Status, detail, hint string) {
	c := junitCase{Class: class, Name: name}
	text := strings.TrimSpace(detail + "\n" + hint)
	switch status {
	case verify.Bad:
		c.Failure = &junitMessage{Message: detail, Text: text}
		s.Failures++
	case verify.NotChecked:
		c.Skipped = &junitMessage{Message: detail, Text: text}
		s.Skipped++
	case verify.Warn:
		c.Output = "warning: " + text
	}
	s.Tests++
	s.Cases = append(s.Cases, c)
}

func (all *junitSuites) add(s junitSuite, at time.Time) {
	if s.Tests == 0 {
		return
	}
	s.Timestamp = at.UTC().Format("2006-01-02T15:04:05")
	all.Tests += s.Tests
	all.Failures += s.Failures
	all.Skipped += s.Skipped
	all.Suites = append(all.Suites, s)
}

// WriteJUnit puts the report into a file at once: a CI system never reads half
// of it.
func WriteJUnit(path string, r *verify.Report, mask *Masker) error {
	data, err := xml.MarshalIndent(junit(r), "", "  ")
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("the JUnit report was not written: %v", err)
	}
	defer os.Remove(tmp.Name()) // does nothing once it has been renamed
	_, err = tmp.WriteString(mask.text(xml.Header + string(data) + "\n"))
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("the JUnit report was not written: %v", err)
	}
	return nil
}
