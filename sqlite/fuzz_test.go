package sqlite_test

import (
	"testing"

	"github.com/laterjobs/later/store"
	"github.com/laterjobs/later/storetest"
)

func FuzzFilters(f *testing.F) {
	storetest.FuzzFilters(f, func(t testing.TB) store.Store { return open(t, file(t)) })
}

func FuzzConditions(f *testing.F) {
	storetest.FuzzConditions(f, func(t testing.TB) store.Store { return open(t, file(t)) })
}

func FuzzTexts(f *testing.F) {
	storetest.FuzzTexts(f, func(t testing.TB) store.Store { return open(t, file(t)) })
}
