// Package sqlfile asks the operating system about files: locks that end with
// their process, and file systems that databases cannot be kept on.
package sqlfile
