// Package remote reaches hosts over SSH: it runs commands on them and reads
// and writes their files.
//
// A Client holds what all hosts share: keys, known_hosts, jump hosts and the
// cap on simultaneous handshakes. Client.Host gives a Host, which dials when it
// is first used, keeps that one connection for all that follows, and dials anew
// after Close or after the connection was lost. Only connecting is ever
// retried; a command or an upload is not, since nobody knows how far it came.
//
// # Commands
//
// Arguments reach the command as they are: nothing is expanded or split. Each
// command runs under `exec /bin/sh`, so that the user's login shell matters
// little, after a marker on both outputs: what a noisy .bashrc prints before it
// is cut off. The marker carries the process ID, because sshd refuses to
// pass on signals in root's sessions: a command that is to end early is sent
// TERM by a second command.
//
// # Files
//
// Files are read and written over one SFTP session, which is opened when first
// needed. A file is replaced by a rename, so that at every moment either the
// old or the new one is there in full.
//
// # Trust
//
// A host key is always compared with known_hosts. A host that is not in it is
// asked about, accepted by Config.AcceptNew, or refused; a host whose key has
// changed is refused in every case. Neither what is sent to a command's standard input
// nor the content of a file is logged.
package remote
