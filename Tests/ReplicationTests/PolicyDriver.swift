import Primitives
import Replication
import TestSupport

/// Drives the planner: `table` defines nodes and round trips, `plan` makes a plan, `repair` the next one.
struct PolicyDriver {
    private var table = RegionTable(nodes: [])
    private var current: ReplicaPlan?

    mutating func run(_ command: ScriptCommand) throws -> String {
        switch command.name {
        case "table": return try define(command)
        case "plan", "repair":
            let keeping = command.name == "repair" ? current : nil
            var policy = command.value("purpose") == "nfs" ? ReplicationPolicy.nfs : .volume
            switch command.value("durability") {
            case "region": policy.durability = .region
            case "all": policy.durability = .all
            case "bounded": policy.durability = .bounded(lag: .seconds(5))
            default: break
            }
            policy.voterRegions = UInt32(try command.integer("voters", default: 5))
            policy.replicasPerRegion = UInt32(try command.integer("replicas", default: 3))
            let purpose: GroupPurpose =
                switch command.value("purpose") ?? "" {
                case "nfs": .nfs
                case "catalog": .catalog
                case "": keeping?.purpose ?? .volume
                default: .volume
                }
            for id in nodes(command, "dead") { table.setAlive(id, false) }
            for id in nodes(command, "alive") { table.setAlive(id, true) }
            let plan = try ReplicaPlanner(
                group: GroupID(UInt64(try command.integer("group", default: 16))), purpose: purpose, policy: policy, table: table,
                keeping: keeping,
                avoiding: nodes(command, "avoiding"), writers: command.value("writers").map { RegionID($0) }
            ).plan(home: command.value("home").map { RegionID($0) })
            precondition(plan.fault == nil, "the planner made a faulty plan: \(plan.fault ?? "")")
            let copy = try ReplicaPlan(xdr: plan.xdrBytes)
            precondition(copy == plan, "a plan changed on the wire")
            let rule = CommitRule(durability: policy.durability, plan: plan)
            var lines = ["\(plan)", "durable on \(plan.statement)"]
            lines.append(
                "waits for \(names(rule.required(nearestFirst: table.nearestFirst(from: plan.home)))), needs \(names(rule.indispensable))")
            if let keeping { lines += keeping.steps(to: plan).map(\.description) }
            current = plan
            return lines.joined(separator: "\n")
        case "rule":
            guard let current else { return "no plan" }
            let durability: Durability =
                switch command.value("durability") ?? "" {
                case "region": .region
                case "all": .all
                default: .majority
                }
            return CommitRule(durability: durability, plan: current).isSatisfied(
                regionsHolding: command.list("holding").map { RegionID($0) }) ? "durable" : "not yet"
        default: throw ScriptError(file: command.file, line: command.line, reason: "unknown command \(command.name)")
        }
    }

    private func names(_ regions: [RegionID]) -> String { regions.isEmpty ? "nobody" : regions.map(\.name).joined(separator: " ") }
    private func nodes(_ command: ScriptCommand, _ key: String) -> [NodeID] { command.list(key).compactMap { UInt64($0).map(NodeID.init) } }

    /// Lines are `region: node node …` and `region region milliseconds`.
    private mutating func define(_ command: ScriptCommand) throws -> String {
        var nodes: [RegionTable.Node] = []
        var links: [(RegionID, RegionID, Int)] = []
        for line in command.input.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            if words[0].hasSuffix(":") {
                for word in words.dropFirst() {
                    nodes.append(
                        .init(
                            id: NodeID(UInt64(word.filter(\.isNumber)) ?? 0), region: RegionID(String(words[0].dropLast())),
                            acceptsData: !word.hasPrefix("d")))
                }
            } else {
                links.append((RegionID(words[0]), RegionID(words[1]), Int(words[2]) ?? 0))
            }
        }
        table = RegionTable(nodes: nodes)
        for (a, b, ms) in links { table.setLink(a, b, RegionLink(roundTrip: .milliseconds(ms))) }
        current = nil
        return "\(nodes.count) nodes, \(table.regions.count) regions"
    }
}
