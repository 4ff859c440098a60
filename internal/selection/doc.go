// Package selection turns a store.Filter into searches that a database answers in
// bounded steps: it finds an index to walk by, newest first, looks at the jobs there
// piece by piece, and says how far it has looked. Both stores use it; what their
// databases write differently is a Dialect.
package selection
