// Ipfabric builds and checks an IP fabric over SSH: hypervisor nodes that
// route for their virtual machines, route reflectors, and core gateways. It
// reads fabric.yaml, runs on the operator's machine, and keeps no server.
//
// # How the program is laid out
//
// main calls run, which builds an app and hands it to cobra. There is a file
// for each command: init.go, plan.go, verify.go, gateway.go, inventory.go,
// help.go, version.go. What a command does is a method of app or, as soon as hosts are
// in it, of session:
//
//	load        inventory.Load: the checked fabric, its warnings     (fabric.go)
//	open        a session: secrets, log file, SSH client             (session.go)
//	plan        steps.New: what must be true of each host            (session.go)
//	look        the plan as a dry run over all hosts at once         (look.go)
//	confirm     "Apply this to 5 hosts? [y/N]"                       (init.go)
//	lock        the lock of each host that is to be changed          (fleet.go)
//	apply       the same plan for real, and the summary              (apply.go)
//	verify      steps.Verify until healthy, its table, JSON, JUnit   (verify.go, report.go, junit.go)
//
// A fleet has one connection for each host, and plan, apply and verify share
// it. That is what makes a run that changes nothing about as fast as logging
// in.
//
// # What is said
//
// Only say.go and progress.go print; the rules stand at the head of say.go.
// Everything goes through the writers of mask.go, which hide secrets. What is
// said, each event of a run and each remote command also goes to the log file
// of the run (runlog.go).
//
// # Errors
//
// A command returns its error to run, which prints it with its hint. An error
// has a hint if it has the method Hint() string, as the errors of inventory
// and remote have; withHint adds one. usage marks an error of the command line
// or the inventory, exit code 64; any other is 1 unless a codedError says
// otherwise (exit.go).
//
// # Interruption
//
// See interrupts: while hosts are being changed, the first Ctrl-C only lets
// nothing new begin.
package main
