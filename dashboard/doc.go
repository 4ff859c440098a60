// Package dashboard shows a JobQueue in the browser and lets people steer it.
//
//	mux.Handle("/jobs/", http.StripPrefix("/jobs", dashboard.Handler(queue, dashboard.BasicAuth("ops", password, dashboard.Operator))))
//
// It can be mounted under any path: its links are relative. Pages are made by the
// server and can be read, and every action taken, without JavaScript; a script of
// our own keeps them up to date. A page follows the files: handler.go has the
// routes, access.go who may do what, a file for each page gathers what it shows,
// templates/ has its HTML, and action.go does what the buttons say.
package dashboard
