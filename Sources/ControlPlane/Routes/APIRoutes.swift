internal import Filesystem
internal import Hummingbird
internal import NodeRuntime

/// All routes of API v1. What a group of them does is in the extension named after it.
struct APIRoutes: Sendable {
    let service: any NodeService
    let configuration: HTTPServerConfiguration
    let sessions = SessionRegistry()

    var all: [APIRoute] {
        let routes = cluster + gossipKeys + nodes + filesystems + nfsState + apps + environments + tokens + sessionRoutes + files + faults
        return routes + [document(of: routes)]
    }

    /// Routes that the document leaves out of no list: itself too.
    private func document(of routes: [APIRoute]) -> APIRoute {
        var own = APIRoute(
            method: .get, path: "/v1/openapi.json", name: "getDocument", about: "This document (OpenAPI 3.1).", access: .open,
            handler: { _ in .text("", type: "application/json") })
        let text = OpenAPIDocument(routes: routes + [own]).text
        own = APIRoute(
            method: own.method, path: own.path, name: own.name, about: own.about, access: own.access,
            handler: { _ in .text(text, type: "application/json") })
        return own
    }
}
