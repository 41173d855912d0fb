internal import APISchema
internal import Filesystem
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import NodeRuntime
internal import Primitives
internal import Replication

/// Whole files by one request each, on top of the operations: for `curl`, scripts and the CLI.
extension APIRoutes {
    private static let sessionParameters: [APIRoute.Parameter] = [
        .init(name: "path_b64", type: "string", about: "the path in base64, instead of {path}: for names that are not UTF-8"),
        .init(name: "session", type: "string", about: "an open session; without it the request has one of its own"),
        .init(name: "version", type: "integer", about: "a past version of a volume"),
    ]

    private static let writeParameters: [APIRoute.Parameter] = [
        .init(name: "path_b64", type: "string", about: "the path in base64, instead of {path}: for names that are not UTF-8"),
        .init(
            name: "session", type: "string", about: "an open session: the change is staged there; without it a volume's change is committed"
        ),
        .init(name: "message", type: "string", about: "of the commit"),
        .init(
            name: "wait", type: "string", about: "policy, local, majority, all, or regions with commas between: who must hold the commit"),
        .init(name: "if_unchanged", type: "boolean", about: "refuse where someone else changed the file"),
    ]

    var files: [APIRoute] {
        [
            APIRoute(
                method: .get, path: "/v1/filesystems/{id}/files/{path*}", name: "getFile",
                about: "The bytes of a file, or the entries of a directory as JSON. Takes one byte range.",
                query: Self.sessionParameters + [
                    .init(name: "cookie", type: "string", about: "of a directory: where the last page ended"),
                    .init(name: "limit", type: "integer", about: "of a directory: entries of a page, 1 to 10,000"),
                ],
                gives: .jsonOrBytes, givesSchema: "Outcome"
            ) { try await getFile($0) },
            APIRoute(
                method: .head, path: "/v1/filesystems/{id}/files/{path*}", name: "headFile",
                about: "What GET would answer, without the bytes.",
                query: Self.sessionParameters, gives: .none
            ) { try await getFile($0) },
            APIRoute(
                method: .put, path: "/v1/filesystems/{id}/files/{path*}", name: "putFile",
                about: "Stores a whole file atomically: readers see the old or the new one. Missing directories are made.",
                query: Self.writeParameters + [
                    .init(name: "force", type: "boolean", about: "replace an existing file; without it that is refused"),
                    .init(name: "permissions", type: "integer", about: "permission bits as a decimal number; 420 (octal 644) without it"),
                    .init(name: "mtime_ns", type: "integer", about: "modification time to set"),
                    .init(
                        name: "sparse", type: "boolean",
                        about:
                            "the body is a row of extents, each behind its offset and length (64 bits each, big-endian), rising; one of length 0 ends it, its offset is the size. What lies between are holes"
                    ),
                ],
                takes: .bytes, givesSchema: "Stored"
            ) { try await putFile($0) },
            APIRoute(
                method: .delete, path: "/v1/filesystems/{id}/files/{path*}", name: "deleteFile", about: "Removes a file or directory.",
                query: Self.writeParameters + [.init(name: "recursive", type: "boolean", about: "with everything below")],
                givesSchema: "Stored"
            ) { try await deleteFile($0) },
        ]
    }

    /// Runs `body` in the session of the request, or in one of its own that ends with it.
    func inSession<Result: Sendable>(
        _ request: APIRequest, readOnly: Bool, _ body: (FileSession, _ isOwn: Bool) async throws -> Result
    ) async throws -> Result {
        let session = try await fileSession(request, readOnly: readOnly)
        do {
            let result = try await body(session.session, session.isOwn)
            if session.isOwn { await service.closeSession(session.session.id) }
            return result
        } catch {
            if session.isOwn { await service.closeSession(session.session.id) }
            throw error
        }
    }

    func fileSession(_ request: APIRequest, readOnly: Bool) async throws -> (session: FileSession, isOwn: Bool) {
        let record = try await record(request, write: !readOnly)
        if let text = try request.argument("session") {
            guard let number = UInt64(text) else { throw JSON.invalid("session", "is no session id") }
            try sessions.check(SessionID(number), request.principal)
            return (FileSession(service: service, id: SessionID(number), filesystem: record.id, within: request.within), false)
        }
        let options = SessionOptions(
            readOnly: readOnly, version: try request.number("version").map(VersionID.init), idleLimit: .seconds(120), attributeCache: .zero)
        let id = try await service.openSession(record.id, options: options, within: request.within)
        return (FileSession(service: service, id: id, filesystem: record.id, within: request.within), true)
    }

    private func deleteFile(_ request: APIRequest) async throws -> Response {
        let path = try request.filePath()
        let commit = try CommitOptions(request)
        let isRecursive = try request.flag("recursive")
        return try await inSession(request, readOnly: false) { session, isOwn in
            var cost = try await session.perform(.remove(path: path, recursive: isRecursive)).cost
            let receipt = isOwn ? try await session.commitIfVolume(commit, &cost) : nil
            return .json(StoredReport(bytes: 0, receipt: receipt, cost: cost))
        }
    }
}

extension CommitOptions {
    init(_ request: APIRequest) throws(FileFailure) {
        let message = try request.argument("message") ?? ""
        guard message.utf8.count <= APILimits.messageBytes else {
            throw JSON.invalid("message", "must be at most \(APILimits.messageBytes) bytes")
        }
        self.init(
            ifUnchanged: try request.flag("if_unchanged"), message: message, wait: try CommitWait(text: try request.argument("wait") ?? ""))
    }
}

/// Operations on one session.
struct FileSession: Sendable {
    let service: any NodeService
    let id: SessionID
    let filesystem: FilesystemID
    let within: Duration

    func perform(_ operation: FileOperation, payload: ByteBuffer? = nil) async throws(FileFailure) -> FileOutcome {
        try await service.perform(operation, session: id, payload: payload, within: within).outcome
    }

    func open(_ path: FilePath, _ mode: OpenMode) async throws(FileFailure) -> (
        handle: HandleID, attributes: FileAttributes, cost: OperationCost
    ) {
        let outcome = try await perform(.open(path: path, mode: mode))
        guard case .opened(let handle, let attributes) = outcome.value else {
            throw FileFailure(.ioError, operation: "open", object: path.description, cause: "the node gave another answer")
        }
        return (handle, attributes, outcome.cost)
    }

    func read(_ handle: HandleID, offset: UInt64, length: Int) async throws(FileFailure) -> (data: ByteBuffer, cost: OperationCost) {
        let (outcome, data) = try await service.perform(
            .read(handle: handle, offset: offset, length: UInt32(length)), session: id, payload: nil, within: within)
        return (data ?? ByteBuffer(), outcome.cost)
    }

    func commitIfVolume(_ options: CommitOptions, _ cost: inout OperationCost) async throws(FileFailure) -> CommitReceipt? {
        guard filesystem.kind == .volume else { return nil }
        let outcome = try await perform(.commit(options))
        cost = cost + outcome.cost
        guard case .receipt(let receipt) = outcome.value else { return nil }
        return receipt
    }
}
