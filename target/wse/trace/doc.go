// Package trace turns the events of a simulation into what people look at: a [Profile] of where the cycles went, a [Timeline] for
// Perfetto (https://ui.perfetto.dev, the Trace Event JSON format), and the text trace that the public viewer davidz-cerebras/wse-viz
// reads ([Viewer]). All are sinks of package sim; a simulation without a sink makes no events and costs nothing more.
package trace
