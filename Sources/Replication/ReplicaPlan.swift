package import Primitives

/// What a group is for.
package enum GroupPurpose: UInt32, Hashable, Sendable, CaseIterable {
    case nfs = 1
    case volume = 2
    case catalog = 3

    package init(_ kind: FilesystemKind) {
        switch kind {
        case .nfs: self = .nfs
        case .volume: self = .volume
        }
    }
}

/// The replicas that a group shall have: who votes, who learns, and in which region its leader is wanted.
package struct ReplicaPlan: Hashable, Sendable, XDRCodable, CustomStringConvertible {
    package static let maximumVoters = 7
    package static let maximumLearners = 4_096

    package struct Replica: Hashable, Comparable, Sendable, XDRCodable, CustomStringConvertible {
        package let node: NodeID
        package let region: RegionID
        package init(node: NodeID, region: RegionID) {
            self.node = node
            self.region = region
        }
        package static func < (a: Replica, b: Replica) -> Bool { a.node < b.node }
        package var description: String { "\(node)@\(region)" }
        package func encode(to writer: inout XDRWriter) {
            writer.write(node)
            writer.write(region)
        }
        package init(from reader: inout XDRReader) throws(XDRError) { self.init(node: try reader.value(), region: try reader.value()) }
    }

    package let purpose: GroupPurpose
    /// Primary region of a network file system, home of a volume; the leader's region by preference.
    package let home: RegionID
    /// By node. Not empty.
    package let voters: [Replica]
    /// By node; none of them a voter.
    package let learners: [Replica]

    package init(purpose: GroupPurpose, home: RegionID, voters: [Replica], learners: [Replica]) {
        self.purpose = purpose
        self.home = home
        self.voters = voters.sorted()
        self.learners = learners.sorted()
    }

    package var majority: Int { voters.count / 2 + 1 }
    package var replicas: [Replica] { (voters + learners).sorted() }
    package func contains(_ node: NodeID) -> Bool { voters.contains { $0.node == node } || learners.contains { $0.node == node } }
    package func isVoter(_ node: NodeID) -> Bool { voters.contains { $0.node == node } }

    /// The regions with a replica, by name.
    package var regions: [RegionID] { Self.distinct(replicas.map(\.region)) }
    package var voterRegions: [RegionID] { Self.distinct(voters.map(\.region)) }

    private static func distinct(_ names: [RegionID]) -> [RegionID] {
        var out: [RegionID] = []
        for name in names.sorted() where out.last != name { out.append(name) }
        return out
    }

    /// What is wrong with the plan in itself, in words; nil where nothing is.
    package var fault: String? {
        if voters.isEmpty { return "it has no voter" }
        if voters.count > Self.maximumVoters { return "it has \(voters.count) voters, at most \(Self.maximumVoters) are allowed" }
        let all = replicas
        if let twice = zip(all, all.dropFirst()).first(where: { $0.node == $1.node }) { return "it names \(twice.0.node) twice" }
        if purpose == .nfs, let far = all.first(where: { $0.region != home }) {
            return "\(far.node) is in \(far.region), and a network file system lives in its primary region \(home) only"
        }
        return nil
    }

    /// How durable it is, in words: `2 of 3 voters (us-east-1)`.
    package var statement: String {
        "\(majority) of \(voters.count) voter\(voters.count == 1 ? "" : "s") (\(voterRegions.map(\.name).joined(separator: ", ")))"
    }

    package var description: String {
        let learning = learners.isEmpty ? "-" : learners.map(\.description).joined(separator: " ")
        return "home=\(home) voters=\(voters.map(\.description).joined(separator: " ")) learners=\(learning)"
    }

    package func encode(to writer: inout XDRWriter) {
        writer.write(purpose.rawValue)
        writer.write(home)
        writer.write(voters)
        writer.write(learners)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(
            purpose: try reader.choice("purpose of a group"), home: try reader.value(),
            voters: try Self.replicas(&reader, limit: Self.maximumVoters), learners: try Self.replicas(&reader, limit: Self.maximumLearners)
        )
    }

    /// One form for each plan: replicas come in order.
    private static func replicas(_ reader: inout XDRReader, limit: Int) throws(XDRError) -> [Replica] {
        let replicas: [Replica] = try reader.array(limit: limit)
        for (a, b) in zip(replicas, replicas.dropFirst()) where a >= b {
            throw .badValue(what: "ascending replica", value: b.node.rawValue)
        }
        return replicas
    }
}
