internal import APISchema
internal import Filesystem
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import NodeRuntime
internal import Primitives
internal import Replication

/// The nodes as the catalog has them, and what an operator decides about them.
extension APIRoutes {
    var nodes: [APIRoute] {
        [
            APIRoute(
                method: .get, path: "/v1/nodes", name: "listNodes",
                about: "The nodes that the cluster has and had, by number: state, weight, what they hold.", givesSchema: "Nodes"
            ) { _ in
                let catalog = await service.catalog()
                return .json { $0.object { $0.field("nodes", catalog.nodes.values.map { CatalogNodeReport($0, catalog) }) } }
            },
            APIRoute(
                method: .post, path: "/v1/nodes/{node}/drain", name: "drainNode",
                about: "The node gets nothing new, and what it has moves to others.", access: .admin, givesSchema: "Node"
            ) { request in try await change(request) { .drainNode($0) } },
            APIRoute(
                method: .post, path: "/v1/nodes/{node}/resume", name: "resumeNode", about: "Takes back a drain.", access: .admin,
                givesSchema: "Node"
            ) { request in try await change(request) { .resumeNode($0) } },
            APIRoute(
                method: .delete, path: "/v1/nodes/{node}", name: "removeNode",
                about:
                    "Takes a drained node out of the cluster for good; its number is not used again. With `force` also one that is lost, and whatever only it had with it.",
                access: .admin, query: [.init(name: "force", type: "boolean", about: "also where it is not drained")], givesSchema: "Node"
            ) { request in
                let force = try request.flag("force")
                return try await change(request) { .removeNode($0, force: force) }
            },
            APIRoute(
                method: .get, path: "/v1/groups/{group}/snapshot", name: "getSnapshot",
                about:
                    "What this node has applied of a group's log, as a snapshot: for a replica whose own is destroyed. The header atoll-snapshot has its metadata (XDR in base64), atoll-digest the SHA-256 of the body.",
                access: .admin, gives: .bytes
            ) { try await snapshot($0) },
        ]
    }

    private func snapshot(_ request: APIRequest) async throws -> Response {
        let text = try request.text("group")
        guard let number = UInt64(text) else { throw JSON.invalid("group", "must be the number of a group") }
        // Groups of different clusters have the same numbers.
        if let asked = try request.argument("cluster") {
            let id = await service.catalog().cluster?.id
            guard id == asked else {
                throw FileFailure(
                    .conflict, operation: "read", object: "group \(number)",
                    cause: "this node is of cluster \(id ?? "none"), not of \(asked)", hint: "ask a node of that cluster")
            }
        }
        guard let (metadata, content) = await service.snapshot(of: GroupID(number)) else {
            throw FileFailure(
                .notFound, operation: "read", object: "group \(number)", cause: "this node has no replica of it", hint: "ask another node")
        }
        guard content.count <= APILimits.snapshotBytes else {
            throw FileFailure(
                .tooLarge, operation: "read", object: "group \(number)",
                cause: "its state has \(content.count) bytes, and \(APILimits.snapshotBytes) go into an answer",
                hint: "remove the node whose replica is destroyed, and let another take its place")
        }
        return Response(
            status: .ok,
            headers: [
                .contentType: "application/octet-stream", .contentLength: String(content.count), .atollSnapshot: Base64.encode(metadata),
                .atollDigest: SHA256.hash(content).hex,
            ], body: ResponseBody(byteBuffer: ByteBuffer(bytes: content)))
    }

    private func change(_ request: APIRequest, _ action: (NodeID) -> CatalogAction) async throws -> Response {
        let text = try request.text("node")
        let catalog = await service.catalog()
        let number = UInt64(text.hasPrefix("n") ? text.dropFirst() : text[...]).map { NodeID($0) }
        guard let id = catalog.node(named: text)?.id ?? number else {
            throw FileFailure(.notFound, operation: "node", object: text, cause: "there is no such node", hint: "see `atoll node list`")
        }
        guard case .node(let record) = try await change(action(id), request) else { preconditionFailure("no node in the outcome") }
        let now = await service.catalog()
        return .json { CatalogNodeReport(record, now).write(to: &$0) }
    }
}

extension CatalogNodeReport {
    init(_ record: NodeRecord, _ catalog: CatalogState) {
        let plans = catalog.placements(on: record.id).map(\.plan)
        let votes = plans.count { $0.isVoter(record.id) }
        self.init(
            id: record.id, name: record.name, region: record.region, state: catalog.isDrained(record.id) ? "drained" : record.state.word,
            weight: record.weight, votes: votes, replicas: plans.count - votes,
            holds: record.state == .draining ? catalog.holdings(of: record.id) : nil, joinedAt: record.joined.rfc3339,
            endpoints: record.endpoints.map { Endpoint(name: $0.key, address: HostPort(host: $0.host, port: Int($0.port)).description) })
    }
}
