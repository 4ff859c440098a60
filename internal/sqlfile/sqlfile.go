// Package sqlfile asks the operating system about file systems that databases
// cannot be kept on.
package sqlfile
