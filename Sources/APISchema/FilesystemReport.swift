package import Filesystem
package import Primitives

/// A file system as lists and `POST /v1/filesystems` show it.
package struct FilesystemReport: Sendable, Hashable, JSONEncodable {
    package var id: FilesystemID
    /// Nil for an ephemeral file system.
    package var name: String?
    /// `main`, or `workspace/name` outside the workspace `default`.
    package var environment: String
    /// Primary region of a network file system, home region of a volume.
    package var region: RegionID
    /// Where it lives, in words: the primary region, or the regions of a volume.
    package var location: String
    /// How durable an acknowledged write is, in words.
    package var durability: String
    package var created: WallTime
    package var createdBy: String
    package var owner: AppID?
    package var group: GroupID
    package var voters: [NodeID]
    package var learners: [NodeID]
    /// In the answer to a creation: false where it existed.
    package var wasCreated: Bool?

    package init(
        id: FilesystemID, name: String?, environment: String, region: RegionID, location: String, durability: String, created: WallTime,
        createdBy: String, owner: AppID?, group: GroupID, voters: [NodeID], learners: [NodeID], wasCreated: Bool? = nil
    ) {
        self.id = id
        self.name = name
        self.environment = environment
        self.region = region
        self.location = location
        self.durability = durability
        self.created = created
        self.createdBy = createdBy
        self.owner = owner
        self.group = group
        self.voters = voters
        self.learners = learners
        self.wasCreated = wasCreated
    }

    package var label: String { name ?? id.description }

    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("id", id.description)
            writer.field("kind", id.kind.word)
            writer.field("name", name)
            writer.field("environment", environment)
            writer.field("region", region.name)
            writer.field("location", location)
            writer.field("durability", durability)
            writer.field("created_at", created.rfc3339)
            writer.field("created_at_ns", created.nanoseconds)
            writer.field("created_by", createdBy)
            writer.field("owner", owner?.description)
            writer.field("group", group.rawValue)
            writer.key("voters")
            writer.array { for node in voters { $0.value(node.rawValue) } }
            writer.key("learners")
            writer.array { for node in learners { $0.value(node.rawValue) } }
            if let wasCreated { writer.field("created", wasCreated) }
        }
    }

    package init(json: JSON) throws(FileFailure) {
        guard let id = FilesystemID(try json.string("id")) else { throw JSON.invalid("id", "is no id of a file system") }
        self.init(
            id: id, name: json["name"]?.text, environment: try json.string("environment"), region: RegionID(try json.string("region")),
            location: try json.string("location"), durability: try json.string("durability"),
            created: WallTime(nanoseconds: try json.signed("created_at_ns")), createdBy: try json.string("created_by"),
            owner: json["owner"]?.text.flatMap { AppID($0) }, group: GroupID(try json.unsigned("group")),
            voters: try json.array("voters").map { NodeID($0.uint64 ?? 0) },
            learners: try json.array("learners").map { NodeID($0.uint64 ?? 0) },
            wasCreated: json["created"]?.flag)
    }
}

/// `PUT …/files/{path}`: what was stored, and for a volume outside a session the commit's receipt.
package struct StoredReport: Sendable, Hashable, JSONEncodable {
    package var bytes: UInt64
    package var receipt: CommitReceipt?
    package var cost: OperationCost
    package init(bytes: UInt64, receipt: CommitReceipt?, cost: OperationCost) {
        self.bytes = bytes
        self.receipt = receipt
        self.cost = cost
    }

    package func write(to writer: inout JSONWriter) {
        writer.object {
            $0.field("bytes", bytes)
            if let receipt { $0.field("receipt", receipt) }
            $0.field("cost", cost)
        }
    }

    package init(json: JSON) throws(FileFailure) {
        guard let cost = json["cost"] else { throw JSON.invalid("cost", "is missing") }
        var receipt: CommitReceipt?
        if let given = json["receipt"] { receipt = try CommitReceipt(json: given) }
        self.init(bytes: try json.unsigned("bytes"), receipt: receipt, cost: try OperationCost(json: cost))
    }
}
