import Foundation
import Primitives
import TestSupport
import Testing

@testable import Consensus

/// Runs `Scripts/*.txt`: a small cluster with fixed delays, told what to do line by line, and all
/// that its nodes then say and do. The first command of a file is `cluster`.
@Suite struct ScriptTests {
    @Test(arguments: Script.files()) func script(_ file: URL) throws {
        var bench = Bench()
        let differences = try Script.run(file) { try bench.perform($0) }
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }
}

struct Bench {
    var world: World?
    var showsMessages = false

    mutating func perform(_ command: ScriptCommand) throws -> String {
        if command.name == "cluster" {
            world = World(try options(command), seed: UInt64(try command.integer("seed", default: 1)))
            return drain()
        }
        guard var world else { throw ScriptError(file: command.file, line: command.line, reason: "begin with cluster") }
        defer { self.world = world }
        let group = GroupID(UInt64(try command.integer("group", default: 1)))
        func node(_ key: String = "node") throws -> Int { try command.integer(key) }
        func nodes(_ key: String) -> [NodeID] { command.list(key).compactMap { UInt64($0) }.map { NodeID($0) } }
        switch command.name {
        case "run": world.run(until: world.microseconds + Int64(try command.integer("ms")) * 1_000)
        case "messages": showsMessages = command.has("on")
        case "propose":
            for _ in 0..<(try command.integer("count", default: 1)) {
                world.propose(try node(), [UInt8](repeating: 7, count: try command.integer("bytes", default: 8)), group: group)
            }
        case "read": world.read(try node(), group: group)
        case "crash": world.crash(try node())
        case "restart": world.start(try node())
        case "cut":
            for a in command.list("a").compactMap({ Int($0) }) {
                for b in command.list("b").compactMap({ Int($0) }) {
                    world.setCut(a, b, true)
                    if !command.has("oneway") { world.setCut(b, a, true) }
                }
            }
        case "heal": world.cut = []
        case "stall": world.nodes[try node()].isDiskStalled = !command.has("off")
        case "transfer": world.send(.transferLeadership(to: NodeID(UInt64(try node("to")))), to: try node(), group: group)
        case "members":
            let target = RaftConfiguration(voters: nodes("voters"), learners: nodes("learners"))
            world.send(.changeMembership(target), to: try node(), group: group)
        case "prefer":
            for node in 1...world.options.nodes { world.send(.preference(preferredLeaders: nodes("nodes")), to: node, group: group) }
        case "unreachable": world.send(MultiRaftEvent.unreachable(NodeID(UInt64(try node("peer")))), to: try node())
        case "reachable": world.send(MultiRaftEvent.reachable(NodeID(UInt64(try node("peer")))), to: try node())
        case "status":
            for node in 1...world.options.nodes { world.trace.append(Self.status(of: node, group, in: world)) }
        case "log": world.trace.append(try Self.log(of: node(), group, in: world))
        case "disk": world.trace.append(try Self.disk(of: node(), group, in: world))
        default: throw ScriptError(file: command.file, line: command.line, reason: "no command \(command.name)")
        }
        return drain(&world)
    }

    private func options(_ command: ScriptCommand) throws -> World.Options {
        var options = World.Options()
        options.nodes = try command.integer("nodes", default: 3)
        let voters = command.list("voters").compactMap { Int($0) }
        options.learners = command.list("learners").compactMap { Int($0) }
        options.voters = voters.isEmpty ? (1...options.nodes).filter { !options.learners.contains($0) } : voters
        let groups = try command.integer("groups", default: 1)
        options.groups = (1...groups).map { GroupID(UInt64($0)) }
        let delay = try command.integer("delay", default: 10) * 1_000
        options.delay = delay...delay
        options.snapshotEvery = try command.integer("snapshot", default: 0)
        options.roundTripMilliseconds = delay / 500
        options.settings.quiesceAfter = command.has("quiesce") ? .milliseconds(try command.integer("quiesce")) : nil
        options.settings.leaseReads = !command.has("nolease")
        options.settings.preferenceHold = .milliseconds(try command.integer("hold", default: 1_000))
        options.settings.compactionKeepEntries = try command.integer("keep", default: 1_024)
        options.settings.maximumUncommittedBytes = try command.integer("uncommitted", default: 1 << 20)
        options.settings.maximumInflightMessages = try command.integer("window", default: 256)
        options.encodes = true
        options.isTraced = true
        return options
    }

    private mutating func drain() -> String {
        guard var world else { return "" }
        let out = drain(&world)
        self.world = world
        return out
    }

    private func drain(_ world: inout World) -> String {
        let lines = world.trace.filter { showsMessages || !$0.hasPrefix("~") }.map { $0.hasPrefix("~") ? String($0.dropFirst()) : $0 }
        world.trace = []
        let violations = world.checker.violations.map { "VIOLATION \($0)" }
        return (lines + violations).joined(separator: "\n")
    }

    private static func status(of node: Int, _ group: GroupID, in world: World) -> String {
        guard let status = world.nodes[node].raft?.status(group) else { return "n\(node) down" }
        var out = "n\(node) \(status.role) t\(status.term) leader \(status.leader.map(\.description) ?? "-")"
        out += " commit \(status.commitIndex) applied \(status.appliedIndex) log \(status.firstIndex)...\(status.lastIndex)"
        if status.isQuiesced { out += " quiesced" }
        if let end = status.leaseEnd, end > world.local(node) { out += " lease" }
        for peer in status.peers { out += " \(peer.id):\(peer.state)@\(peer.match)\(peer.isReachable ? "" : "!")" }
        return out
    }

    private static func log(of node: Int, _ group: GroupID, in world: World) -> String {
        guard let state = world.nodes[node].raft?.state(group) else { return "down" }
        return (["base \(state.log.baseIndex)/t\(state.log.baseTerm)"] + state.log.entries.map(\.description)).joined(separator: ", ")
    }

    private static func disk(of node: Int, _ group: GroupID, in world: World) -> String {
        guard let disk = world.nodes[node].disk.groups[group] else { return "nothing" }
        let snapshot = disk.snapshot.map { "snapshot \($0.metadata); " } ?? ""
        return "\(disk.hardState); \(snapshot)\(disk.entries.map(\.description).joined(separator: ", "))"
    }
}
