// Package floors holds the test that imports go down only: from commands and
// examples to the library, from there to the stores and the engine, and from all
// of them to the contract.
package floors
