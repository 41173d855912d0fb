package import Filesystem
package import Primitives

/// `GET /v1/status`: a node seen from itself.
package struct NodeReport: Sendable, Hashable {
    package var node: NodeID
    package var region: RegionID
    package var cluster: String
    package var version: String
    /// `starting`, `ready`, `draining`.
    package var state: String
    package var process: Int
    package var uptimeSeconds: Double
    package var dataDirectory: String
    package var endpoints: [Endpoint]
    package var groups: [GroupReport]

    package init(
        node: NodeID, region: RegionID, cluster: String, version: String, state: String, process: Int, uptimeSeconds: Double,
        dataDirectory: String, endpoints: [Endpoint], groups: [GroupReport]
    ) {
        self.node = node
        self.region = region
        self.cluster = cluster
        self.version = version
        self.state = state
        self.process = process
        self.uptimeSeconds = uptimeSeconds
        self.dataDirectory = dataDirectory
        self.endpoints = endpoints
        self.groups = groups
    }
}

/// Where a node serves something: `http` at `127.0.0.1:8080`.
package struct Endpoint: Sendable, Hashable {
    package var name: String
    package var address: String
    package init(name: String, address: String) {
        self.name = name
        self.address = address
    }
}

extension JSONWriter {
    /// `{"http": "127.0.0.1:8080", …}`
    package mutating func field(_ name: String, endpoints: [Endpoint]) {
        key(name)
        object { for endpoint in endpoints { $0.field(endpoint.name, endpoint.address) } }
    }
}

extension JSON {
    package func endpoints(_ name: String) throws(FileFailure) -> [Endpoint] {
        guard case .object(let members)? = self[name] else { throw Self.invalid(name, "must be an object") }
        return members.map { Endpoint(name: $0.name, address: $0.value.text ?? "") }
    }

    fileprivate func nodes(_ name: String) throws(FileFailure) -> [NodeID] {
        try array(name).map { NodeID($0.uint64 ?? 0) }
    }
}

extension NodeReport: JSONEncodable {
    package func write(to writer: inout JSONWriter) {
        writer.object {
            $0.field("node", node.rawValue)
            $0.field("region", region.name)
            $0.field("cluster", cluster)
            $0.field("version", version)
            $0.field("state", state)
            $0.field("pid", process)
            $0.field("uptime_s", uptimeSeconds)
            $0.field("data_dir", dataDirectory)
            $0.field("endpoints", endpoints: endpoints)
            $0.field("groups", groups)
        }
    }

    package init(json: JSON) throws(FileFailure) {
        self.init(
            node: NodeID(try json.unsigned("node")), region: RegionID(try json.string("region")), cluster: try json.string("cluster"),
            version: try json.string("version"), state: try json.string("state"), process: Int(try json.unsigned("pid")),
            uptimeSeconds: try json.real("uptime_s"), dataDirectory: try json.string("data_dir"),
            endpoints: try json.endpoints("endpoints"),
            groups: try json.rows("groups") { json throws(FileFailure) in try GroupReport(json: json) })
    }
}

/// A replicated group as this node sees it.
package struct GroupReport: Sendable, Hashable, JSONEncodable {
    package var id: GroupID
    package var filesystem: FilesystemID?
    package var role: String
    package var term: UInt64
    package var leader: NodeID?
    package var commitIndex: UInt64
    package var appliedIndex: UInt64
    package var digest: Digest?
    package var voters: [NodeID]
    package var learners: [NodeID]
    package var version: VersionID

    package init(
        id: GroupID, filesystem: FilesystemID?, role: String, term: UInt64, leader: NodeID?, commitIndex: UInt64, appliedIndex: UInt64,
        digest: Digest?, voters: [NodeID], learners: [NodeID], version: VersionID
    ) {
        self.id = id
        self.filesystem = filesystem
        self.role = role
        self.term = term
        self.leader = leader
        self.commitIndex = commitIndex
        self.appliedIndex = appliedIndex
        self.digest = digest
        self.voters = voters
        self.learners = learners
        self.version = version
    }

    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("group", id.rawValue)
            writer.field("filesystem", filesystem?.description)
            writer.field("role", role)
            writer.field("term", term)
            writer.field("leader", leader?.rawValue)
            writer.field("commit_index", commitIndex)
            writer.field("applied_index", appliedIndex)
            writer.field("digest", digest?.hex)
            writer.key("voters")
            writer.array { for node in voters { $0.value(node.rawValue) } }
            writer.key("learners")
            writer.array { for node in learners { $0.value(node.rawValue) } }
            writer.field("version", version.rawValue)
        }
    }

    package init(json: JSON) throws(FileFailure) {
        self.init(
            id: GroupID(try json.unsigned("group")), filesystem: json["filesystem"]?.text.flatMap { FilesystemID($0) },
            role: try json.string("role"), term: try json.unsigned("term"), leader: json["leader"]?.uint64.map { NodeID($0) },
            commitIndex: try json.unsigned("commit_index"), appliedIndex: try json.unsigned("applied_index"),
            digest: json["digest"]?.text.flatMap { Digest(hex: $0) }, voters: try json.nodes("voters"),
            learners: try json.nodes("learners"),
            version: VersionID(try json.unsigned("version")))
    }
}
