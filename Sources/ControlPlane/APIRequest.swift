internal import APISchema
internal import Filesystem
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import NodeRuntime
internal import Primitives
internal import Replication

/// A matched request as handlers see it: decoded parameters, bounds, rights.
struct APIRequest: Sendable {
    let request: Request
    let principal: Principal
    /// Raw, percent-encoded segments of the path by name.
    let parameters: [String: Substring]
    let query: [(name: Substring, value: Substring)]
    /// How long the node may take.
    let within: Duration

    // MARK: Path

    func text(_ name: String) throws(FileFailure) -> String {
        guard let raw = parameters[name], let bytes = PercentCoding.decode(raw), let text = String(validating: bytes, as: UTF8.self) else {
            throw JSON.invalid(name, "is not percent-encoded UTF-8")
        }
        return text
    }

    func filesystemID() throws(FileFailure) -> FilesystemID {
        let text = try text("id")
        guard let id = FilesystemID(text) else {
            throw FileFailure(
                .invalid, operation: "look up", object: CatalogName.shown(text), cause: "it is no id of a file system",
                hint: "ids begin with sv- or vo-; look a name up by GET /v1/filesystems?kind=…&name=…")
        }
        return id
    }

    func sessionID() throws(FileFailure) -> SessionID {
        guard let number = UInt64(try text("session")) else { throw JSON.invalid("session", "is no session id") }
        return SessionID(number)
    }

    func filePath() throws(FileFailure) -> FilePath {
        // Many clients can not send a URL whose path is no UTF-8.
        let encoded = try argument("path_b64").map { Base64.decode($0) }
        guard let bytes = encoded ?? PercentCoding.decode(parameters["path"] ?? ""), let path = FilePath(bytes) else {
            throw FileFailure(
                .invalid, operation: request.method.rawValue, object: String((parameters["path"] ?? "").prefix(200)),
                cause: "a path is percent-encoded, holds no \"..\", no NUL and at most 4,096 bytes")
        }
        return path
    }

    // MARK: Query

    func argument(_ name: String) throws(FileFailure) -> String? {
        guard let found = query.first(where: { $0.name == name }) else { return nil }
        guard let bytes = PercentCoding.decode(found.value), let text = String(validating: bytes, as: UTF8.self) else {
            throw JSON.invalid(name, "is not percent-encoded UTF-8")
        }
        return text
    }

    func flag(_ name: String) throws(FileFailure) -> Bool {
        switch try argument(name) {
        case nil, "false", "0": return false
        case "true", "1", "": return true
        default: throw JSON.invalid(name, "must be true or false")
        }
    }

    func number(_ name: String) throws(FileFailure) -> UInt64? {
        guard let text = try argument(name) else { return nil }
        guard let number = UInt64(text) else { throw JSON.invalid(name, "must be a whole number from 0 up") }
        return number
    }

    // MARK: Body

    /// The body as JSON; an empty body is an empty object.
    func json() async throws -> JSON {
        let bytes = try await body(limit: APILimits.requestBytes)
        guard bytes.readableBytes > 0 else { return .object([]) }
        do {
            return try JSONParser.parse(Array(bytes.readableBytesView), valueLimit: 100_000)
        } catch {
            throw FileFailure(.invalid, operation: "decode", object: "body", cause: "no JSON: \(error)", hint: "see /v1/openapi.json")
        }
    }

    func body(limit: Int) async throws -> ByteBuffer {
        let tooLarge = FileFailure(.tooLarge, operation: "receive", object: "body", cause: "it is over \(limit) bytes")
        if let length = declaredLength, length > limit { throw tooLarge }
        do {
            let body = try await request.body.collect(upTo: limit)
            if let length = declaredLength, length != body.readableBytes { throw truncated(after: UInt64(body.readableBytes)) }
            return body
        } catch is NIOTooManyBytesError {
            throw tooLarge
        }
    }

    var declaredLength: Int? { request.headers[.contentLength].flatMap(Int.init) }

    func truncated(after bytes: UInt64) -> FileFailure {
        FileFailure(
            .invalid, operation: "receive", object: "body", cause: "it ended after \(bytes) bytes, before its end", hint: "send it again")
    }

    var isBytes: Bool { request.headers[.contentType].map { $0.hasPrefix("application/octet-stream") } ?? false }
}
