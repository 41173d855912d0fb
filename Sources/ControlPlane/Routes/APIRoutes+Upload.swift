internal import APISchema
internal import Filesystem
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import NodeRuntime
internal import Primitives

/// `PUT` of a file: the body is cut into windows, a few of them written at once; the file appears at
/// close, whole or not at all. A body that breaks off is abandoned.
extension APIRoutes {
    func putFile(_ request: APIRequest) async throws -> Response {
        let path = try request.filePath()
        guard !path.isRoot else { throw FileFailure(.isDirectory, operation: "put", object: "/", cause: "a file needs a name") }
        let commit = try CommitOptions(request)
        let isForced = try request.flag("force")
        let permissions = try request.number("permissions") ?? 0o644
        guard permissions <= 0o7777 else { throw JSON.invalid("permissions", "must be at most 4095 (octal 7777)") }
        let modified = try request.argument("mtime_ns").map { text throws(FileFailure) in
            guard let number = Int64(text) else { throw JSON.invalid("mtime_ns", "must be a whole number") }
            return WallTime(nanoseconds: number)
        }
        return try await inSession(request, readOnly: false) { session, isOwn in
            let mode = OpenMode.replace(mode: UInt32(permissions), refuseExisting: !isForced)
            var (handle, _, cost) = try await session.open(path, mode)
            let stored: (bytes: UInt64, cost: OperationCost)
            do {
                stored = try await receive(request, session, handle)
            } catch {
                _ = try? await session.perform(.close(handle: handle, abandon: true))
                throw error
            }
            cost = try await cost + stored.cost + session.perform(.close(handle: handle, abandon: false)).cost
            if let modified {
                cost = try await cost + session.perform(.setAttributes(path: path, changes: AttributeChanges(modified: modified))).cost
            }
            let receipt = isOwn ? try await session.commitIfVolume(commit, &cost) : nil
            return .json(StoredReport(bytes: stored.bytes, receipt: receipt, cost: cost))
        }
    }

    private func receive(_ request: APIRequest, _ session: FileSession, _ handle: HandleID) async throws -> (UInt64, OperationCost) {
        let declared = request.declaredLength
        var windows = UploadWindows(window: configuration.windowBytes, isSparse: try request.flag("sparse"))
        return try await withThrowingTaskGroup(of: OperationCost.self) { group in
            var total = OperationCost()
            var inFlight = 0

            func dispatch(_ start: UInt64, _ data: ByteBuffer) async throws {
                if inFlight == configuration.windowsInFlight, let cost = try await group.next() {
                    total = total + cost
                    inFlight -= 1
                }
                group.addTask { try await session.perform(.write(handle: handle, offset: start), payload: data).cost }
                inFlight += 1
            }

            do {
                for try await piece in request.request.body { try await windows.feed(piece, dispatch) }
            } catch let failure as FileFailure {
                throw failure
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                throw request.truncated(after: windows.received)
            }
            if let declared, UInt64(declared) != windows.received { throw request.truncated(after: windows.received) }
            try await windows.finish(dispatch)
            while let cost = try await group.next() { total = total + cost }
            return (windows.size, total)
        }
    }
}
