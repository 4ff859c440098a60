package storetest

import (
	"testing"

	"github.com/laterjobs/later/store"
)

func TestReference(t *testing.T) {
	Run(t, func(testing.TB) store.Store { return NewReference() })
}
