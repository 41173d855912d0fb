package import Primitives

/// Who takes part in a group. All arrays are sorted and without repetition.
///
/// While `outgoing` is not empty the configuration is *joint* (thesis §4.3): elections and commits
/// need a majority of `voters` and a majority of `outgoing`. A node of `learners` that is also in
/// `outgoing` still votes, and becomes a learner when the joint phase ends.
package struct RaftConfiguration: Hashable, Sendable, CustomStringConvertible {
    package let voters: [NodeID]
    package let outgoing: [NodeID]
    package let learners: [NodeID]

    /// Sorts, and drops repetitions and learners that are voters.
    package init(voters: [NodeID], outgoing: [NodeID] = [], learners: [NodeID] = []) {
        let voters = Self.canonical(voters)
        self.voters = voters
        self.outgoing = Self.canonical(outgoing)
        self.learners = Self.canonical(learners).filter { !voters.contains($0) }
    }

    /// Nobody: the configuration of a node that waits to be told.
    package static let empty = RaftConfiguration(voters: [])

    /// More nodes than this in one list are refused by the decoder.
    package static let memberLimit = 1_024

    package var isJoint: Bool { !outgoing.isEmpty }
    package func isVoter(_ node: NodeID) -> Bool { voters.contains(node) || outgoing.contains(node) }
    package func isLearner(_ node: NodeID) -> Bool { !isVoter(node) && learners.contains(node) }
    package func contains(_ node: NodeID) -> Bool { isVoter(node) || learners.contains(node) }

    /// True where `node` decides alone.
    package func isSoleVoter(_ node: NodeID) -> Bool { voters == [node] && (outgoing.isEmpty || outgoing == [node]) }

    /// Everybody, sorted.
    package var members: [NodeID] { Self.canonical(voters + outgoing + learners) }

    /// Everybody with a vote, sorted.
    package var allVoters: [NodeID] { isJoint ? Self.canonical(voters + outgoing) : voters }

    /// The configuration to go through on the way to `target`: joint, or `target` itself where the
    /// voters stay the same.
    package func entering(_ target: RaftConfiguration) -> RaftConfiguration {
        target.voters == voters
            ? RaftConfiguration(voters: target.voters, learners: target.learners)
            : RaftConfiguration(voters: target.voters, outgoing: voters, learners: target.learners)
    }

    /// The configuration after the joint phase.
    package var leaving: RaftConfiguration { RaftConfiguration(voters: voters, learners: learners) }

    private static func canonical(_ nodes: [NodeID]) -> [NodeID] {
        var out: [NodeID] = []
        out.reserveCapacity(nodes.count)
        for node in nodes.sorted() where out.last != node { out.append(node) }
        return out
    }

    package var description: String {
        func text(_ nodes: [NodeID]) -> String { nodes.map(\.description).joined(separator: " ") }
        var out = "voters(\(text(voters)))"
        if isJoint { out += " outgoing(\(text(outgoing)))" }
        if !learners.isEmpty { out += " learners(\(text(learners)))" }
        return out
    }
}

extension RaftConfiguration: XDRCodable {
    static let version: UInt32 = 1

    package func encode(to writer: inout XDRWriter) {
        writer.write(Self.version)
        writer.write(voters)
        writer.write(outgoing)
        writer.write(learners)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        let version = try reader.uint32()
        guard version == Self.version else { throw .badValue(what: "version of a configuration", value: UInt64(version)) }
        let voters = try reader.array(NodeID.self, limit: Self.memberLimit)
        let outgoing = try reader.array(NodeID.self, limit: Self.memberLimit)
        let learners = try reader.array(NodeID.self, limit: Self.memberLimit)
        self.init(voters: voters, outgoing: outgoing, learners: learners)
    }
}
