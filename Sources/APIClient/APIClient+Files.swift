package import APISchema
internal import AsyncHTTPClient
package import Filesystem
package import NIOCore
internal import NIOHTTP1
package import Primitives

/// How a whole file is stored.
package struct PutOptions: Sendable {
    /// Replace an existing file; without it that is refused.
    package var force: Bool
    package var permissions: UInt32
    package var modified: WallTime?
    /// The bytes are those of a sparse file: extents, each behind `Sparse.head`, and a head of length 0 at the size.
    package var isSparse = false
    /// Stage in this session; without it the request has one of its own, which commits.
    package var session: SessionID?
    package var commit: CommitOptions
    package init(
        force: Bool = false, permissions: UInt32 = 0o644, modified: WallTime? = nil, session: SessionID? = nil,
        commit: CommitOptions = CommitOptions()
    ) {
        self.force = force
        self.permissions = permissions
        self.modified = modified
        self.session = session
        self.commit = commit
    }
}

/// The framing of a sparse file's upload.
package enum Sparse {
    package static let headBytes = 16

    /// Stands before each extent; with length 0 it is the end, and `offset` the size of the file.
    package static func head(offset: UInt64, length: UInt64) -> ByteBuffer {
        var head = ByteBuffer()
        head.writeInteger(offset)
        head.writeInteger(length)
        return head
    }
}

/// A file on its way to this client.
package struct Download: Sendable {
    package let length: UInt64
    package let permissions: UInt32
    package let modified: WallTime?
    package let cost: OperationCost
    let response: HTTPClientResponse
    let call: APIClient.Call
    let client: APIClient

    /// Hands over the bytes in order; fails where fewer than `length` came.
    package func forEach(_ body: (ByteBuffer) async throws -> Void) async throws {
        var received: UInt64 = 0
        var iterator = response.body.makeAsyncIterator()
        while let buffer = try await next(&iterator) {
            received += UInt64(buffer.readableBytes)
            try await body(buffer)
        }
        guard received == length else {
            throw FileFailure(
                .ioError, operation: "get", object: call.object, cause: "\(received) of \(length) bytes came", hint: "get it again")
        }
    }

    private func next(_ iterator: inout HTTPClientResponse.Body.AsyncIterator) async throws -> ByteBuffer? {
        let observed = client.observe(call)
        defer { observed.end() }
        do {
            return try await iterator.next()
        } catch {
            throw FileFailure(error, call: call, address: client.address).withoutMark
        }
    }
}

extension APIClient {
    private func url(_ filesystem: FilesystemID, _ path: FilePath, _ query: [(String, String?)]) -> String {
        let bytes = path.bytes
        // The HTTP client takes no URL whose path is no UTF-8.
        guard String(validating: bytes, as: UTF8.self) != nil else {
            return "/v1/filesystems/\(filesystem)/files/\(Self.query(query + [("path_b64", Base64.encode(bytes))]))"
        }
        return "/v1/filesystems/\(filesystem)/files/\(PercentCoding.encode(bytes, keepSlash: true))\(Self.query(query))"
    }

    /// Begins to read a file; `range` is of bytes.
    package func get(
        _ filesystem: FilesystemID, _ path: FilePath, session: SessionID? = nil, version: VersionID? = nil, range: Range<UInt64>? = nil
    ) async throws(FileFailure) -> Download {
        let query = [("session", session.map { "\($0.rawValue)" }), ("version", version.map { "\($0.rawValue)" })]
        var call = Call(.GET, url(filesystem, path, query), object: path.description)
        if let range { call.headers = [("range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)")] }
        let observed = observe(call)
        defer { observed.end() }
        let response: HTTPClientResponse
        do throws(FileFailure) {
            response = try await send(call)
        } catch {
            throw error.withoutMark
        }
        guard let length = response.headers.first(name: "content-length").flatMap(UInt64.init),
            response.headers.first(name: "content-type") == "application/octet-stream"
        else {
            throw FileFailure(
                .isDirectory, operation: "get", object: path.description, cause: "it is a directory", hint: "list it, or get what is in it")
        }
        return Download(
            length: length, permissions: response.headers.first(name: APIHeader.permissions).flatMap(UInt32.init) ?? 0o644,
            modified: response.headers.first(name: APIHeader.modified).flatMap(Int64.init).map { WallTime(nanoseconds: $0) },
            cost: response.headers.first(name: APIHeader.cost).flatMap { OperationCost(header: $0) } ?? OperationCost(), response: response,
            call: call, client: self)
    }

    /// Reads a small file whole.
    package func bytes(
        _ filesystem: FilesystemID, _ path: FilePath, session: SessionID? = nil, version: VersionID? = nil, range: Range<UInt64>? = nil
    ) async throws(FileFailure) -> ByteBuffer {
        let download = try await get(filesystem, path, session: session, version: version, range: range)
        return try await collect(download.response, download.call)
    }

    /// Stores a whole file from a stream of buffers; `length` where it is known.
    package func put<Source: AsyncSequence & Sendable>(
        _ filesystem: FilesystemID, _ path: FilePath, _ source: Source, length: UInt64?, options: PutOptions = PutOptions()
    ) async throws(FileFailure) -> StoredReport where Source.Element == ByteBuffer {
        let size: HTTPClientRequest.Body.Length = length.map { .known(Int64(clamping: $0)) } ?? .unknown
        return try await store(filesystem, path, .stream(source, length: size), options)
    }

    package func put(
        _ filesystem: FilesystemID, _ path: FilePath, _ bytes: ByteBuffer, options: PutOptions = PutOptions()
    ) async throws(FileFailure) -> StoredReport {
        try await store(filesystem, path, .bytes(bytes), options)
    }

    private func store(
        _ filesystem: FilesystemID, _ path: FilePath, _ body: HTTPClientRequest.Body, _ options: PutOptions
    ) async throws(FileFailure) -> StoredReport {
        let query: [(String, String?)] =
            [
                ("force", options.force ? "true" : nil), ("permissions", "\(options.permissions)"),
                ("mtime_ns", options.modified.map { "\($0.nanoseconds)" }), ("sparse", options.isSparse ? "true" : nil),
            ] + Self.write(options.session, options.commit)
        var call = Call(.PUT, url(filesystem, path, query), object: path.description)
        call.body = body
        call.contentType = "application/octet-stream"
        // Each step at the node is bounded; the stream as a whole may take a day. It can not be sent twice.
        call.timeout = .seconds(120)
        call.deadline = .seconds(86_400)
        let observed = observe(call)
        defer { observed.end() }
        do throws(FileFailure) {
            return try StoredReport(json: try parse(try await collect(try await send(call), call), call))
        } catch {
            throw error.withoutMark
        }
    }

    package func remove(
        _ filesystem: FilesystemID, _ path: FilePath, recursive: Bool, session: SessionID? = nil, commit: CommitOptions = CommitOptions()
    ) async throws(FileFailure) -> StoredReport {
        let query = [("recursive", recursive ? "true" : nil)] + Self.write(session, commit)
        return try StoredReport(json: try await json(Call(.DELETE, url(filesystem, path, query), object: path.description)))
    }

    private static func write(_ session: SessionID?, _ commit: CommitOptions) -> [(String, String?)] {
        let wait: String? =
            switch commit.wait {
            case .policy: nil
            case .local: "local"
            case .majority: "majority"
            case .all: "all"
            case .regions(let regions): regions.map(\.name).joined(separator: ",")
            }
        return [
            ("session", session.map { "\($0.rawValue)" }), ("message", commit.message.isEmpty ? nil : commit.message), ("wait", wait),
            ("if_unchanged", commit.ifUnchanged ? "true" : nil),
        ]
    }
}
