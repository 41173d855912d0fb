internal import APISchema
internal import AsyncHTTPClient
internal import Filesystem
internal import NIOCore
internal import NIOHTTP1
internal import Primitives

/// How a client behaves; the defaults suit a person at a terminal.
package struct APIClientOptions: Sendable {
    /// How long the node may take for one request. Default 30 s, range 1 ms to 10 min.
    package var timeout: Duration
    /// How long connecting may take. Default 3 s.
    package var connectTimeout: Duration
    /// How long requests that may be repeated are repeated while the answer is that it may succeed
    /// later. Default 10 s; zero to never repeat.
    package var retryFor: Duration
    /// Connections held at once; requests beyond that wait for one. Default 64.
    package var connectionLimit: Int
    /// When all calls have to be over: what is left until then takes the place of every bound that a call has
    /// of its own. Nil (default) for those bounds.
    package var end: ContinuousClock.Instant?

    package init(
        timeout: Duration = .seconds(30), connectTimeout: Duration = .seconds(3), retryFor: Duration = .seconds(10),
        connectionLimit: Int = 64, end: ContinuousClock.Instant? = nil
    ) {
        self.timeout = timeout
        self.connectTimeout = connectTimeout
        self.retryFor = retryFor
        self.connectionLimit = connectionLimit
        self.end = end
    }
}

/// A client of API v1 of one node. Every call is bounded, throws a `FileFailure`, and keeps the
/// connection for the next. Requests that change nothing, or that may take effect twice without
/// harm, are repeated with growing pauses while the node says `unavailable` or `overloaded`; others
/// are repeated only where the connection could not be made.
///
/// End it with `shutdown`.
package struct APIClient: Sendable {
    /// Such as `127.0.0.1:8080`.
    package let address: String
    package let options: APIClientOptions
    let token: String
    let http: HTTPClient
    let observer: (any CallObserver)?

    /// `observer` hears of every call.
    package init(
        address: String, token: String, options: APIClientOptions = APIClientOptions(), observer: (any CallObserver)? = nil
    ) {
        self.address = address
        self.token = token
        self.options = options
        self.observer = observer
        var configuration = HTTPClient.Configuration()
        configuration.timeout.connect = .nanoseconds(options.connectTimeout.inNanoseconds)
        // Nothing moves for so long: the connection is dead. Above all that a node may take for one request.
        configuration.timeout.read = .milliseconds(APILimits.timeoutMillisecondsMaximum + 15_000)
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = options.connectionLimit
        configuration.connectionPool.idleTimeout = .seconds(60)
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.decompression = .disabled
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// A client of another node of the cluster, with the same token.
    package func sibling(_ address: String, options: APIClientOptions) -> APIClient {
        APIClient(address: address, token: token, options: options)
    }

    package func shutdown() async { try? await http.shutdown() }

    // MARK: Requests

    /// A request before it is sent.
    struct Call {
        var method: HTTPMethod
        var path: String
        /// Of what, for errors.
        var object: String
        var body: HTTPClientRequest.Body?
        var contentType = "application/json"
        /// May be sent again where it is not known whether it took effect.
        var isRepeatable: Bool
        var timeout: Duration?
        /// Until the head of the answer, where that is not `timeout`: an upload takes as long as it takes.
        var deadline: Duration?
        var headers: [(String, String)] = []

        init(_ method: HTTPMethod, _ path: String, object: String, isRepeatable: Bool? = nil) {
            self.method = method
            self.path = path
            self.object = object
            self.isRepeatable = isRepeatable ?? (method == .GET || method == .HEAD)
        }

        func with(json body: (inout JSONWriter) -> Void) -> Call {
            var writer = JSONWriter()
            body(&writer)
            var call = self
            call.body = .bytes(ByteBuffer(bytes: writer.bytes))
            return call
        }
    }

    func json(_ call: Call) async throws(FileFailure) -> JSON {
        let (response, body) = try await exchange(call)
        guard response.status != .noContent, body.readableBytes > 0 else { return .object([]) }
        return try parse(body, call)
    }

    func parse(_ body: ByteBuffer, _ call: Call) throws(FileFailure) -> JSON {
        do throws(JSONError) {
            return try JSONParser.parse(Array(body.readableBytesView))
        } catch {
            throw FileFailure(
                .ioError, operation: call.method.rawValue, object: call.object, cause: "the answer of \(address) is no JSON: \(error)")
        }
    }

    /// Sends, repeats where that is allowed, and collects the answer.
    func exchange(_ call: Call) async throws(FileFailure) -> (HTTPClientResponse, ByteBuffer) {
        let observed = observe(call)
        defer { observed.end() }
        let clock = ContinuousClock()
        let giveUp = min(clock.now + options.retryFor, options.end ?? clock.now + options.retryFor)
        var pause = Duration.milliseconds(20)
        while true {
            do throws(FileFailure) {
                let response = try await send(call)
                return (response, try await collect(response, call))
            } catch {
                guard error.code.isRetryable, call.isRepeatable || error.wasNotSent, error.code != .wouldBlock, error.code != .busy,
                    clock.now + pause < giveUp
                else { throw error.withoutMark }
                observed.willRepeat(after: error.withoutMark)
                do {
                    try await Task.sleep(for: pause)
                } catch {
                    throw FileFailure(.timedOut, operation: call.method.rawValue, object: call.object, cause: "cancelled")
                }
                pause = min(pause * 2, .seconds(1))
            }
        }
    }

    /// Sends once; an error status is thrown as its failure.
    func send(_ call: Call) async throws(FileFailure) -> HTTPClientResponse {
        var request = HTTPClientRequest(url: "http://\(address)\(call.path)")
        request.method = call.method
        request.headers.add(name: "authorization", value: "Bearer \(token)")
        let timeout = bound(of: call)
        if timeout != APILimits.timeout {
            request.headers.add(name: APIHeader.timeout, value: "\(max(1, timeout.inNanoseconds / 1_000_000))")
        }
        if let body = call.body {
            request.headers.add(name: "content-type", value: call.contentType)
            request.body = body
        }
        for (name, value) in call.headers { request.headers.add(name: name, value: value) }
        let response: HTTPClientResponse
        do {
            // The node ends within `timeout`; the slack is for the way there and back.
            let left = options.end.map { $0 - ContinuousClock.now }
            response = try await http.execute(
                request, deadline: .now() + .nanoseconds((left ?? call.deadline ?? timeout + .seconds(5)).inNanoseconds))
        } catch {
            throw FileFailure(error, call: call, address: address)
        }
        guard (200..<300).contains(response.status.code) else {
            let body = try await collect(response, call)
            if let json = try? parse(body, call), let failure = FileFailure(json: json) { throw failure }
            throw FileFailure(
                response.status.code >= 500 ? .unavailable : .invalid, operation: call.method.rawValue, object: call.object,
                cause: "\(address) answered \(response.status.code) \(response.status.reasonPhrase)")
        }
        return response
    }

    /// How long the node may take for a call. Of what is left until the end a little is kept, so that the node's
    /// own answer, which says what it waited for, is here in time.
    func bound(of call: Call) -> Duration {
        guard let end = options.end else { return call.timeout ?? options.timeout }
        let left = max(end - .now, .milliseconds(2))
        return min(left - min(left / 4, .milliseconds(300)), .milliseconds(APILimits.timeoutMillisecondsMaximum))
    }

    func collect(_ response: HTTPClientResponse, _ call: Call) async throws(FileFailure) -> ByteBuffer {
        do {
            return try await response.body.collect(upTo: APILimits.replyBytes)
        } catch {
            throw FileFailure(error, call: call, address: address)
        }
    }
}
