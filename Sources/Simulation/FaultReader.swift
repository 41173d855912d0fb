import Primitives
import Workloads

/// The faults of a scenario's file. A place is a region (all its machines), `REGION/N` (its N-th
/// machine, from 1), or `all`.
struct FaultReader {
    let options: WorldOptions
    let duration: Duration
    let filesystems: [Scenario.Filesystem]
    let gossipOnly: Bool
    /// When the machines come that are not there at first, by number; looked up only.
    private(set) var joins: [Int: Duration] = [:]

    init(_ options: WorldOptions, duration: Duration, filesystems: [Scenario.Filesystem], gossipOnly: Bool) {
        self.options = options
        self.duration = duration
        self.filesystems = filesystems
        self.gossipOnly = gossipOnly
    }

    /// What each fault takes beside `at_s`, `every_s` and `times`.
    static let keys: [(word: String, keys: [String])] = [
        ("isolate", ["for_s"]), ("mute", ["for_s"]), ("deafen", ["for_s"]), ("partition", ["for_s"]), ("one_way", ["for_s"]),
        ("crash", ["for_s", "sudden"]), ("pause", ["for_s"]), ("starve", ["for_s"]), ("stall_disk", ["for_s"]),
        ("slow_disk", ["for_s", "factor"]), ("full_disk", ["for_s"]), ("fail_sync", []), ("decay", ["chunks", "what"]),
        ("replace_disk", []),
        ("step_clock", ["for_s", "by_s"]), ("drift_clock", ["for_s", "ppm"]), ("shift", ["for_s", "by_ms"]),
        ("lossy", ["for_s", "percent"]), ("leave", []), ("upgrade", ["for_s", "wire", "poisoned"]), ("join", []),
    ]
    static let always = ["at_s", "every_s", "times"]
    static var words: [String] { keys.map(\.word) }
    /// Membership alone has processes and a network.
    static let ofGossip = ["isolate", "mute", "deafen", "partition", "one_way", "crash", "pause", "starve"]

    mutating func read(_ node: SettingsNode) throws(SettingsError) -> [Scenario.TimedFault] {
        let items = try node.list(limit: 10_000)
        for item in items { try noteJoin(item) }
        var out: [Scenario.TimedFault] = []
        var losses: [(loss: DiskLosses.Loss, from: SettingsNode)] = []
        for item in items {
            let known = out.count
            let value = try read(item, into: &out)
            for fault in out[known...] {
                guard let node = fault.fault.lostDisk else { continue }
                losses.append((DiskLosses.Loss(node: node, at: fault.at), value))
            }
        }
        let order = losses.enumerated().sorted { ($0.element.loss.at, $0.offset) < ($1.element.loss.at, $1.offset) }.map(\.element)
        let check = DiskLosses(options, filesystems: filesystems, joins: joins)
        if let (place, reason) = check.objection(order.map(\.loss)) {
            throw order[place].from.error(reason, hint: "leave a machine its disk, or let more time pass")
        }
        return out.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
    }

    /// Joins are known before all else: what is done to a machine that is not there is a mistake.
    private mutating func noteJoin(_ item: SettingsNode) throws(SettingsError) {
        let table = try table(item)
        guard let value = table["join"] else { return }
        let at = try seconds(try table.required("at_s"))
        for node in try places(value, of: "join", at: nil) {
            guard options.late.contains(node) else {
                throw value.error("\(name(of: node)) is there from the beginning", hint: "only machines of late join")
            }
            joins[node] = min(joins[node] ?? at, at)
        }
    }

    private func table(_ item: SettingsNode) throws(SettingsError) -> SettingsTable {
        var known = Self.words + Self.always
        for entry in Self.keys { known += entry.keys.filter { !known.contains($0) } }
        return try item.table(known)
    }

    /// The node that names the place.
    private func read(_ item: SettingsNode, into out: inout [Scenario.TimedFault]) throws(SettingsError) -> SettingsNode {
        let table = try table(item)
        let named = Self.words.filter { table[$0] != nil }
        guard named.count == 1, let word = named.first else {
            throw item.error(
                named.isEmpty ? "names no fault" : "names \(named.count) faults", hint: "one of \(Self.words.joined(separator: ", "))")
        }
        try checkKeys(word, table, item)
        let first = try seconds(try table.required("at_s"))
        let times = try table["times"]?.integer(in: 1...10_000) ?? 1
        let every = try table["every_s"].map { node throws(SettingsError) in try seconds(node) } ?? .zero
        if times > 1, every == .zero { throw item.error("is repeated without every_s") }
        if times == 1, let node = table["every_s"] { throw node.error("repeats nothing", hint: "say how often with times") }
        let value = try table.required(word)
        for round in 0..<times {
            let at = first + every * round
            guard at <= duration else { throw try table.required("at_s").error("is after the end of the scenario, duration_s") }
            try read(word, table, value, at, into: &out)
        }
        return value
    }

    /// What a fault does not know would do nothing.
    private func checkKeys(_ word: String, _ table: SettingsTable, _ item: SettingsNode) throws(SettingsError) {
        let own = Self.keys.first { $0.word == word }?.keys ?? []
        let taken = [word] + own + Self.always
        for entry in try item.entries() where !taken.contains(entry.key) {
            throw entry.value.error("\(word) does not take it", hint: "it takes \((Self.always + own).joined(separator: ", "))")
        }
        let value = try table.required(word)
        if gossipOnly, !Self.ofGossip.contains(word) {
            throw value.error("membership alone has no such fault", hint: "one of \(Self.ofGossip.joined(separator: ", "))")
        }
        if gossipOnly, let node = table["sudden"] { throw node.error("membership alone has no disks: a crash is a crash") }
        if !gossipOnly, word == "starve" {
            throw value.error("only a scenario of gossip only starves members", hint: "stop the process instead: pause")
        }
    }

    private func seconds(_ node: SettingsNode) throws(SettingsError) -> Duration {
        .nanoseconds(Int64(try node.number(from: 0, to: 1_000_000) * 1e9))
    }

    private func read(
        _ word: String, _ table: SettingsTable, _ value: SettingsNode, _ at: Duration, into out: inout [Scenario.TimedFault]
    ) throws(SettingsError) {
        func span() throws(SettingsError) -> Duration { try seconds(try table.required("for_s")) }
        func add(_ fault: Fault, _ undo: Fault?) throws(SettingsError) {
            out.append(.init(at: at, fault: fault))
            // Without an end it lasts until the faults are over.
            if let undo, table["for_s"] != nil { out.append(.init(at: at + (try span()), fault: undo)) }
        }
        switch word {
        case "isolate", "mute", "deafen":
            let inside = try places(value, of: word, at: at)
            let outside = all.filter { !inside.contains($0) }
            guard !outside.isEmpty else { throw value.error("leaves nobody outside") }
            if word != "deafen" { try add(.cut(from: inside, to: outside), .uncut(from: inside, to: outside)) }
            if word != "mute" { try add(.cut(from: outside, to: inside), .uncut(from: outside, to: inside)) }
        case "partition", "one_way":
            let (a, b) = try pair(value)
            try add(.cut(from: a, to: b), .uncut(from: a, to: b))
            if word == "partition" { try add(.cut(from: b, to: a), .uncut(from: b, to: a)) }
        case "crash":
            let isSudden = try table["sudden"]?.flag() ?? true
            for node in try places(value, of: word, at: at) { try add(.crash(node, isSudden: isSudden), .restart(node)) }
        case "pause":
            let length = try span().inNanoseconds
            for node in try places(value, of: word, at: at) { try add(.pause(node, nanoseconds: length), nil) }
        case "starve":
            let length = try span().inNanoseconds
            for node in try places(value, of: word, at: at) { try add(.stallPackets(node, nanoseconds: length), nil) }
        case "stall_disk":
            let length = try span().inNanoseconds
            for node in try places(value, of: word, at: at) { try add(.stallDisk(node, nanoseconds: length), nil) }
        case "slow_disk":
            let factor = try table.required("factor").integer(in: 2...100_000)
            for node in try places(value, of: word, at: at) { try add(.slowDisk(node, factor: factor), .slowDisk(node, factor: 1)) }
        case "full_disk":
            for node in try places(value, of: word, at: at) { try add(.fillDisk(node, isFull: true), .fillDisk(node, isFull: false)) }
        case "fail_sync":
            guard options.storage == .real else { throw value.error("no sync of a stand-in fails", hint: "set storage: real") }
            for node in try places(value, of: word, at: at) { try add(.failSync(node), nil) }
        case "decay":
            let part = try rottenPart(table)
            let count = try table["chunks"]?.integer(in: 1...1_000_000) ?? 1
            for node in try places(value, of: word, at: at) { try add(part.map { .rot(node, $0) } ?? .decay(node, chunks: count), nil) }
        case "replace_disk":
            for node in try places(value, of: word, at: at) { try add(.replaceDisk(node), nil) }
        case "step_clock":
            let by = Int64(try table.required("by_s").number(from: -1_000_000, to: 1_000_000) * 1e9)
            for node in try places(value, of: word, at: at) {
                try add(.stepClock(node, nanoseconds: by), .stepClock(node, nanoseconds: -by))
            }
        case "drift_clock":
            let ppm = Int64(try table.required("ppm").integer(in: -45_000...45_000))
            for node in try places(value, of: word, at: at) { try add(.driftClock(node, ppm: ppm), .driftClock(node, ppm: 0)) }
        case "shift":
            let (a, b) = try regions(value)
            let by = Int64(try table.required("by_ms").number(from: 0, to: 10_000) * 1e6)
            try add(.shift(a, b, nanoseconds: by), .shift(a, b, nanoseconds: 0))
        case "lossy":
            let (a, b) = try regions(value)
            let loss = Int(try table.required("percent").number(from: 0, to: 100) * 100)
            try add(.lossy(a, b, loss: min(9_999, loss)), .lossy(a, b, loss: 0))
        case "join": for node in try places(value, of: word, at: at) { try add(.restart(node), nil) }
        case "upgrade":
            let wire = try Scenario.span(try table.required("wire"), 1...100)
            let isPoisoned = try table["poisoned"]?.flag() ?? false
            for node in try places(value, of: word, at: at) {
                // Its end is the way back to the first program.
                try add(
                    .upgrade(node, oldest: wire.lowerBound, newest: wire.upperBound, isPoisoned: isPoisoned),
                    .upgrade(node, oldest: 1, newest: 1, isPoisoned: false))
            }
        default: for node in try places(value, of: word, at: at) { try add(.leave(node), nil) }
        }
    }
}
