package import APISchema
internal import AsyncHTTPClient
package import Filesystem
internal import NIOCore
internal import NIOHTTP1
package import Primitives

extension APIClient {
    package func status() async throws(FileFailure) -> NodeReport {
        try NodeReport(json: try await json(Call(.GET, "/v1/status", object: "status")))
    }

    package func members() async throws(FileFailure) -> [MemberReport] {
        try await json(Call(.GET, "/v1/members", object: "members")).rows("members") { json throws(FileFailure) in
            try MemberReport(json: json)
        }
    }

    /// What requests of this node wait for.
    package func waits() async throws(FileFailure) -> [WaitReport] {
        try await json(Call(.GET, "/v1/waits", object: "waits")).rows("waits") { json throws(FileFailure) in try WaitReport(json: json) }
    }

    package func nodes() async throws(FileFailure) -> [CatalogNodeReport] {
        try await json(Call(.GET, "/v1/nodes", object: "nodes")).rows("nodes") { json throws(FileFailure) in
            try CatalogNodeReport(json: json)
        }
    }

    /// `drain` or `resume`; by name or number.
    package func setDrain(_ node: String, _ drains: Bool) async throws(FileFailure) -> CatalogNodeReport {
        let call = Call(.POST, "/v1/nodes/\(PercentCoding.encode(node))/\(drains ? "drain" : "resume")", object: node, isRepeatable: true)
        return try CatalogNodeReport(json: try await json(call))
    }

    package func removeNode(_ node: String, force: Bool) async throws(FileFailure) -> CatalogNodeReport {
        let call = Call(.DELETE, "/v1/nodes/\(PercentCoding.encode(node))?force=\(force)", object: node)
        return try CatalogNodeReport(json: try await json(call))
    }

    /// A group's state as this node has it, for a replica whose own snapshot is destroyed; checked against its
    /// digest. Up to 1 GiB, in memory. `cluster`, where given, is the id of the cluster that the node must be of.
    package func snapshot(of group: GroupID, cluster: String? = nil) async throws(FileFailure) -> (metadata: [UInt8], content: [UInt8]) {
        let query = cluster.map { "?cluster=\($0)" } ?? ""
        var call = Call(.GET, "/v1/groups/\(group.rawValue)/snapshot\(query)", object: "group \(group.rawValue)")
        call.timeout = .seconds(300)
        let observed = observe(call)
        defer { observed.end() }
        func broken(_ cause: String) -> FileFailure {
            FileFailure(.ioError, operation: "get", object: call.object, cause: cause, hint: "get it again")
        }
        let response: HTTPClientResponse
        do throws(FileFailure) {
            response = try await send(call)
        } catch {
            throw error.withoutMark
        }
        guard let metadata = response.headers.first(name: APIHeader.snapshot).flatMap({ Base64.decode($0) }),
            let digest = response.headers.first(name: APIHeader.digest)
        else { throw broken("\(address) answered without its metadata") }
        var content: [UInt8] = []
        do {
            for try await buffer in response.body {
                content += buffer.readableBytesView
                guard content.count <= APILimits.snapshotBytes else { throw broken("it is over \(APILimits.snapshotBytes) bytes") }
            }
        } catch {
            throw FileFailure(error, call: call, address: address).withoutMark
        }
        guard SHA256.hash(content).hex == digest else { throw broken("what came does not match its digest") }
        return (metadata, content)
    }

    package func regions() async throws(FileFailure) -> [RegionPairReport] {
        try await json(Call(.GET, "/v1/regions", object: "regions")).rows("pairs") { json throws(FileFailure) in
            try RegionPairReport(json: json)
        }
    }

    /// `starting`, `ready`, `draining`; any other failure is thrown.
    package func health() async throws(FileFailure) -> Bool {
        do throws(FileFailure) {
            _ = try await send(Call(.GET, "/healthz", object: "health"))
            return true
        } catch {
            if error.code == .unavailable, !error.wasNotSent { return false }
            throw error.withoutMark
        }
    }

    package func metrics() async throws(FileFailure) -> String {
        String(buffer: try await exchange(Call(.GET, "/metrics", object: "metrics")).1)
    }

    /// The keys of gossip of the node, by their numbers.
    package func gossipKeys() async throws(FileFailure) -> GossipKeysReport {
        try GossipKeysReport(json: try await json(Call(.GET, "/v1/gossip/keys", object: "gossip keys")))
    }

    /// Has the node read its file of keys again.
    package func reloadGossipKeys() async throws(FileFailure) -> GossipKeysReport {
        try GossipKeysReport(json: try await json(Call(.POST, "/v1/gossip/keys/reload", object: "gossip keys", isRepeatable: true)))
    }

    package func document() async throws(FileFailure) -> JSON { try await json(Call(.GET, "/v1/openapi.json", object: "document")) }

    /// Local clusters only: `rules` are link rules in XDR.
    package func putLinkRules(_ rules: [UInt8]) async throws(FileFailure) {
        var call = Call(.PUT, "/v1/faults/links", object: "link rules", isRepeatable: true)
        call.body = .bytes(ByteBuffer(bytes: rules))
        call.contentType = "application/octet-stream"
        _ = try await exchange(call)
    }
}
