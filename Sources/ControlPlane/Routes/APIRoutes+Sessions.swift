internal import APISchema
internal import Filesystem
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import NodeRuntime
internal import Primitives
internal import Replication

/// Sessions, and every file operation on them.
extension APIRoutes {
    var sessionRoutes: [APIRoute] {
        [
            APIRoute(
                method: .post, path: "/v1/filesystems/{id}/sessions", name: "openSession",
                about:
                    "Opens a session: a snapshot and staged changes of a volume, or a client of a network file system. It ends when idle too long.",
                takes: .json, takesSchema: "SessionOptions", givesSchema: "Session", status: 201
            ) { try await openSession($0) },
            APIRoute(
                method: .delete, path: "/v1/sessions/{session}", name: "closeSession",
                about: "Ends a session: open files are closed, changes that were not committed are dropped.", gives: .none, status: 204
            ) { request in
                let session = try request.sessionID()
                try sessions.check(session, request.principal)
                sessions.closed(session)
                await service.closeSession(session)
                return Response(status: .noContent)
            },
            APIRoute(
                method: .post, path: "/v1/sessions/{session}/operations", name: "performOperation",
                about:
                    "Carries out one file operation. A read answers bytes, with its outcome in headers; a write sends bytes, with op=write, handle and offset in the query.",
                query: [
                    .init(name: "op", type: "string", about: "write, where the body is bytes"),
                    .init(name: "handle", type: "string", about: "of a write"),
                    .init(name: "offset", type: "integer", about: "of a write; without it the bytes are appended"),
                ],
                takes: .jsonOrBytes, gives: .jsonOrBytes, takesSchema: "Operation", givesSchema: "Outcome"
            ) { try await perform($0) },
        ]
    }

    private func openSession(_ request: APIRequest) async throws -> Response {
        let json = try await request.json()
        var options = try SessionOptions(json: json)
        let record = try await record(request, write: false)
        if !request.principal.allows(record, write: true) { options.readOnly = true }
        let session = try await service.openSession(record.id, options: options, within: request.within)
        sessions.opened(session, by: request.principal)
        let distance = await DistanceReport(record, service.status())
        return .json(status: .created) { writer in
            writer.object {
                $0.field("session", identifier: session.rawValue)
                $0.field("filesystem", record.id.description)
                $0.field("read_only", options.readOnly || options.version != nil)
                if let distance { $0.field("distance", distance) }
            }
        }
    }

    private func perform(_ request: APIRequest) async throws -> Response {
        let session = try request.sessionID()
        try sessions.check(session, request.principal)
        if request.isBytes { return try await write(request, session: session) }
        let operation = try FileOperation(json: try await request.json())
        if case .write = operation {
            throw JSON.invalid("op", "a write sends its bytes as application/octet-stream, with op, handle and offset in the query")
        }
        let (outcome, data) = try await service.perform(operation, session: session, payload: nil, within: request.within)
        guard case .read = operation, case .data(_, let endOfFile) = outcome.value else { return .json(outcome) }
        return Response(
            status: .ok,
            headers: [
                .contentType: "application/octet-stream", .atollCost: outcome.cost.header, .atollEndOfFile: endOfFile ? "true" : "false",
            ],
            body: ResponseBody(byteBuffer: data ?? ByteBuffer()))
    }

    private func write(_ request: APIRequest, session: SessionID) async throws -> Response {
        guard try request.argument("op") == "write" else { throw JSON.invalid("op", "must be write where the body is bytes") }
        guard let text = try request.argument("handle"), let handle = UInt64(text) else {
            throw JSON.invalid("handle", "must be a handle of this session")
        }
        let offset = try request.number("offset") ?? .max
        let payload = try await request.body(limit: Int(APILimits.windowBytes))
        let operation = FileOperation.write(handle: HandleID(handle), offset: offset)
        let (outcome, _) = try await service.perform(operation, session: session, payload: payload, within: request.within)
        return .json(outcome)
    }
}
