internal import Filesystem
internal import Hummingbird

/// One route of the API: what it matches, who may call it, what it is documented as, what it does.
struct APIRoute: Sendable {
    /// Who may call it; the handler checks the rights to a file system itself.
    enum Access: Sendable, Equatable {
        case open
        case openIf(@Sendable (HTTPServerConfiguration) -> Bool)
        /// Any valid token.
        case token
        case admin

        static func == (a: Access, b: Access) -> Bool {
            switch (a, b) {
            case (.open, .open), (.openIf, .openIf), (.token, .token), (.admin, .admin): true
            default: false
            }
        }
    }

    enum Content: String, Sendable {
        case none = ""
        case json = "application/json"
        case bytes = "application/octet-stream"
        case text = "text/plain"
        /// JSON, or bytes with the arguments in the query.
        case jsonOrBytes = "application/json, application/octet-stream"
    }

    /// A parameter of the query, for the document.
    struct Parameter: Sendable {
        var name: String
        var type: String
        var about: String
    }

    let method: HTTPRequest.Method
    /// `/v1/filesystems/{id}`; a last segment `{path*}` takes the rest.
    let path: String
    /// `operationId` of the document.
    let name: String
    let about: String
    var access: Access = .token
    var query: [Parameter] = []
    var takes: Content = .none
    var gives: Content = .json
    /// Names of the schemas of the document, where there is one.
    var takesSchema: String?
    var givesSchema: String?
    var status = 200
    let handler: @Sendable (APIRequest) async throws -> Response
}

/// The routes by their segments. Matching keeps the raw, percent-encoded segments: names are bytes.
struct RouteTable: Sendable {
    private struct Entry: Sendable {
        let route: APIRoute
        let segments: [Substring]
        let takesRest: Bool
    }

    enum Match {
        case found(APIRoute, [String: Substring])
        case otherMethods([String])
        case none
    }

    let routes: [APIRoute]
    private let entries: [Entry]

    init(_ routes: [APIRoute]) {
        self.routes = routes
        entries = routes.map { route in
            let segments = route.path.split(separator: "/", omittingEmptySubsequences: true)
            let takesRest = segments.last?.hasSuffix("*}") ?? false
            return Entry(route: route, segments: takesRest ? segments.dropLast() : segments, takesRest: takesRest)
        }
    }

    func match(_ method: HTTPRequest.Method, path: Substring) -> Match {
        var methods: [String] = []
        let given = path.split(separator: "/", maxSplits: 5, omittingEmptySubsequences: false).dropFirst()
        for entry in entries {
            guard let parameters = Self.match(entry, given) else { continue }
            if entry.route.method == method { return .found(entry.route, parameters) }
            methods.append(entry.route.method.rawValue)
        }
        return methods.isEmpty ? .none : .otherMethods(methods)
    }

    private static func match(_ entry: Entry, _ given: ArraySlice<Substring>) -> [String: Substring]? {
        guard entry.takesRest ? given.count >= entry.segments.count : given.count == entry.segments.count else { return nil }
        var parameters: [String: Substring] = [:]
        for (wanted, segment) in zip(entry.segments, given) {
            if wanted.hasPrefix("{") {
                guard !segment.isEmpty else { return nil }
                parameters[String(wanted.dropFirst().dropLast())] = segment
            } else if wanted != segment {
                return nil
            }
        }
        if entry.takesRest {
            let rest = given.dropFirst(entry.segments.count)
            parameters["path"] = rest.first.map { $0.base[$0.startIndex..<given.last!.endIndex] } ?? ""
        }
        return parameters
    }
}
