internal import APISchema
internal import Filesystem
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import NodeRuntime
internal import Primitives

/// `GET` of a file: windows read ahead of the client, a few in flight, so that the memory of a stream
/// is bounded and a round trip to a far region is paid once a few windows.
extension APIRoutes {
    func getFile(_ request: APIRequest) async throws -> Response {
        let path = try request.filePath()
        let (session, isOwn) = try await fileSession(request, readOnly: true)
        do {
            let response: (response: Response, isDone: Bool)
            do {
                let file = try await session.open(path, .read)
                response = try await fileResponse(request, session, file, closing: isOwn)
            } catch let failure as FileFailure where failure.code == .isDirectory {
                response = (try await listing(request, session, path), true)
            }
            if isOwn, response.isDone { await service.closeSession(session.id) }
            return response.response
        } catch {
            if isOwn { await service.closeSession(session.id) }
            throw error
        }
    }

    private func listing(_ request: APIRequest, _ session: FileSession, _ path: FilePath) async throws -> Response {
        let limit = try request.number("limit") ?? 1_000
        guard (1...10_000).contains(limit) else { throw JSON.invalid("limit", "must be 1 to 10,000") }
        let outcome = try await session.perform(.list(path: path, cookie: try request.number("cookie") ?? 0, limit: UInt32(limit)))
        return .json(outcome)
    }

    /// `isDone` is false where the body is still to be read from the session.
    private func fileResponse(
        _ request: APIRequest, _ session: FileSession, _ file: (handle: HandleID, attributes: FileAttributes, cost: OperationCost),
        closing: Bool
    ) async throws -> (Response, isDone: Bool) {
        let size = file.attributes.size
        var headers: HTTPFields = [
            .contentType: "application/octet-stream", .acceptRanges: "bytes",
            .eTag: "\"\(file.attributes.inode.rawValue)-\(file.attributes.changeID)\"",
            .atollModified: String(file.attributes.modified.nanoseconds), .atollPermissions: String(file.attributes.mode),
        ]
        var range: Range<UInt64> = 0..<size
        var status = HTTPResponse.Status.ok
        switch ByteRange.parse(request.request.headers[.range], size: size) {
        case .whole: break
        case .part(let part):
            range = part
            status = .partialContent
            headers[.contentRange] = "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(size)"
        case .unsatisfiable:
            await finish(session, file.handle, closing: false)
            let failure = FileFailure(.outOfRange, operation: "read", object: "range", cause: "the file has \(size) bytes")
            var response = Response.failure(failure, status: 416)
            response.headers[.contentRange] = "bytes */\(size)"
            return (response, true)
        }
        headers[.contentLength] = String(range.count)
        if request.request.method == .head {
            await finish(session, file.handle, closing: false)
            headers[.atollCost] = file.cost.header
            return (Response(status: status, headers: headers), true)
        }
        guard range.count > configuration.windowBytes else {
            let (data, cost) = try await whole(session, file.handle, range)
            headers[.atollCost] = (file.cost + cost).header
            await finish(session, file.handle, closing: false)
            return (Response(status: status, headers: headers, body: ResponseBody(byteBuffer: data)), true)
        }
        headers[.atollCost] = file.cost.header
        let wanted = range
        let body = ResponseBody(contentLength: wanted.count) { writer in
            do {
                try await stream(session, file.handle, wanted, to: &writer)
            } catch {
                // The head is out already: a body that is shorter than announced tells the client.
                await finish(session, file.handle, closing: closing)
                throw error
            }
            await finish(session, file.handle, closing: closing)
            try await writer.finish(nil)
        }
        return (Response(status: status, headers: headers, body: body), false)
    }

    private func whole(_ session: FileSession, _ handle: HandleID, _ range: Range<UInt64>) async throws -> (ByteBuffer, OperationCost) {
        guard !range.isEmpty else { return (ByteBuffer(), OperationCost()) }
        let (data, cost) = try await session.read(handle, offset: range.lowerBound, length: range.count)
        guard data.readableBytes == range.count else { throw Self.shrunk(handle) }
        return (data, cost)
    }

    private static func shrunk(_ handle: HandleID) -> FileFailure {
        FileFailure(.ioError, operation: "read", object: "file", cause: "it became shorter while it was read", hint: "read it again")
    }

    private func finish(_ session: FileSession, _ handle: HandleID, closing: Bool) async {
        if closing {
            await service.closeSession(session.id)
        } else {
            _ = try? await session.perform(.close(handle: handle, abandon: false))
        }
    }

    private func stream(
        _ session: FileSession, _ handle: HandleID, _ range: Range<UInt64>, to writer: inout any ResponseBodyWriter
    ) async throws {
        let window = UInt64(configuration.windowBytes)
        let count = (range.count + configuration.windowBytes - 1) / configuration.windowBytes
        func part(_ index: Int) -> Range<UInt64> {
            let start = range.lowerBound + UInt64(index) * window
            return start..<min(start + window, range.upperBound)
        }
        // Windows arrive in any order and leave in theirs; at most `windowsInFlight` are held.
        try await withThrowingTaskGroup(of: (Int, ByteBuffer).self) { group in
            var asked = 0
            var ready: [Int: ByteBuffer] = [:]
            for next in 0..<count {
                while asked < count, asked < next + configuration.windowsInFlight {
                    let (index, piece) = (asked, part(asked))
                    group.addTask {
                        let data = try await session.read(handle, offset: piece.lowerBound, length: piece.count).data
                        guard data.readableBytes == piece.count else { throw Self.shrunk(handle) }
                        return (index, data)
                    }
                    asked += 1
                }
                while ready[next] == nil, let (index, data) = try await group.next() { ready[index] = data }
                guard let data = ready.removeValue(forKey: next) else { throw CancellationError() }
                try await writer.write(data)
            }
        }
    }
}

/// One byte range of RFC 9110 §14. Several ranges, other units and nonsense count as none, as the RFC allows.
enum ByteRange: Equatable {
    case whole
    case part(Range<UInt64>)
    case unsatisfiable

    static func parse(_ header: String?, size: UInt64) -> ByteRange {
        guard let header, header.hasPrefix("bytes="), !header.contains(",") else { return .whole }
        let ends = header.dropFirst("bytes=".count).split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard ends.count == 2 else { return .whole }
        if ends[0].isEmpty {
            guard let suffix = UInt64(ends[1]) else { return .whole }
            return suffix == 0 || size == 0 ? .unsatisfiable : .part(size - min(suffix, size)..<size)
        }
        guard let first = UInt64(ends[0]) else { return .whole }
        guard let last = ends[1].isEmpty ? UInt64.max : UInt64(ends[1]), last >= first else { return .whole }
        guard first < size else { return .unsatisfiable }
        return .part(first..<(last >= size ? size : last + 1))
    }
}
