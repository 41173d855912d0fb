internal import APISchema
internal import Filesystem
internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import NodeRuntime
internal import Synchronization

/// Matches, bounds and authenticates a request, calls its handler, and turns every error into JSON.
struct APIResponder: HTTPResponder {
    typealias Context = BasicRequestContext

    private let table: RouteTable
    private let authenticator: Authenticator
    private let configuration: HTTPServerConfiguration
    private let load: Load
    private let logger: Logger

    /// Requests in progress.
    private final class Load: Sendable {
        let count = Atomic<Int>(0)
    }

    init(service: any NodeService, configuration: HTTPServerConfiguration, logger: Logger) {
        table = RouteTable(APIRoutes(service: service, configuration: configuration).all)
        authenticator = Authenticator(service: service, adminTokenHash: configuration.adminTokenHash)
        self.configuration = configuration
        self.logger = logger
        load = Load()
    }

    /// An answer to HEAD has no content, whatever it says (RFC 9110 §9.3.2): bytes after its head would be taken
    /// for the beginning of the connection's next answer.
    func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
        let response = try await answer(to: request)
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func answer(to request: Request) async throws -> Response {
        let count = load.count.add(1, ordering: .relaxed).newValue
        defer { load.count.subtract(1, ordering: .relaxed) }
        // Health and metrics answer while everything else is too much.
        guard count <= configuration.requestLimit || !(request.head.path ?? "").hasPrefix("/v1/") else {
            return .failure(
                FileFailure(
                    .overloaded, operation: request.method.rawValue, object: "API",
                    cause: "\(configuration.requestLimit) requests are in progress",
                    hint: "try again in a second"))
        }
        do {
            return try await handle(request)
        } catch let failure as FileFailure {
            if failure.httpStatus >= 500 { logger.debug("request failed", metadata: ["error": "\(failure)"]) }
            return .failure(failure)
        } catch is CancellationError {
            return .failure(
                FileFailure(
                    .unavailable, operation: request.method.rawValue, object: "API", cause: "the node is stopping", hint: "ask another node"
                ))
        } catch let error as any HTTPResponseError {
            return .failure(
                FileFailure(.invalid, operation: request.method.rawValue, object: "request", cause: "\(error)"),
                status: Int(error.status.code))
        }
        // Anything else is a broken connection: let it break.
    }

    private func handle(_ request: Request) async throws -> Response {
        let target = request.head.path ?? "/"
        guard target.utf8.count <= 32 << 10 else {
            return .failure(FileFailure(.invalid, operation: "GET", object: "URL", cause: "it is over 32 KiB"), status: 414)
        }
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let path = parts[0]
        switch table.match(request.method, path: path) {
        case .none:
            throw FileFailure(
                .notFound, operation: request.method.rawValue, object: String(path.prefix(200)), cause: "there is no such route",
                hint: "see /v1/openapi.json")
        case .otherMethods(let methods):
            let failure = FileFailure(
                .notSupported, operation: request.method.rawValue, object: String(path.prefix(200)),
                cause: "this route takes \(methods.joined(separator: ", "))", hint: "see /v1/openapi.json")
            var response = Response.failure(failure, status: 405)
            response.headers[.allow] = methods.joined(separator: ", ")
            return response
        case .found(let route, let parameters):
            guard let principal = await admit(request, to: route) else { return Self.unauthorized(request) }
            if route.access == .admin, !principal.isAdmin { throw Principal.denied(request.method.rawValue, String(path.prefix(200))) }
            return try await route.handler(
                APIRequest(
                    request: request, principal: principal, parameters: parameters, query: Self.query(parts.count > 1 ? parts[1] : ""),
                    within: try Self.timeout(of: request)))
        }
    }

    private func admit(_ request: Request, to route: APIRoute) async -> Principal? {
        switch route.access {
        case .open: .anyone
        case .openIf(let isOpen): isOpen(configuration) ? .anyone : await authenticator.principal(of: request)
        case .token, .admin: await authenticator.principal(of: request)
        }
    }

    private static func unauthorized(_ request: Request) -> Response {
        let failure = FileFailure(
            .permissionDenied, operation: request.method.rawValue, object: "API",
            cause: request.headers[.authorization] == nil ? "no token was sent" : "the token is not valid here",
            hint: "send the header \"Authorization: Bearer TOKEN\" with a token of this cluster")
        var response = Response.failure(failure, status: 401)
        response.headers[.wwwAuthenticate] = "Bearer"
        return response
    }

    private static func query(_ text: Substring) -> [(name: Substring, value: Substring)] {
        text.split(separator: "&", maxSplits: 64).map { pair in
            guard let equals = pair.firstIndex(of: "=") else { return (pair, "") }
            return (pair[..<equals], pair[pair.index(after: equals)...])
        }
    }

    private static func timeout(of request: Request) throws(FileFailure) -> Duration {
        guard let text = request.headers[.atollTimeout] else { return APILimits.timeout }
        guard let milliseconds = Int64(text), (1...APILimits.timeoutMillisecondsMaximum).contains(milliseconds) else {
            throw JSON.invalid(APIHeader.timeout, "must be 1 to \(APILimits.timeoutMillisecondsMaximum) milliseconds")
        }
        return .milliseconds(milliseconds)
    }
}
