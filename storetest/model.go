package storetest

import (
	"testing"

	"github.com/laterjobs/later/store"
)

func checkModel(t *testing.T, open func(t testing.TB) store.Store) {}
