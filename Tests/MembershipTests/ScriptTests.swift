import Foundation
import Primitives
import TestSupport
import Testing

@testable import Membership

@Suite struct ScriptTests {
    @Test(arguments: Script.files()) func script(_ file: URL) throws {
        let bench = Bench()
        let differences = try Script.run(file) { try bench.perform($0) }
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }
}

/// One node under test, n1 in region `a`, whose timers run when a script lets time pass.
///
///     node [seeds=(…)] [key=milliseconds …]   a new node; the keys are settings
///     members (2@a 3@b …)                      members that introduced themselves
///     advance ms=N [quiet] [only=WORD]         time, with all timers that come due
///     sleep ms=N                               time without timers; those overdue fire at its end
///     answering list=(2 3)                     members that from now on ack every ping at once
///     from id=N ping|ack|nack|request|gossip … a packet, its updates in the lines below
///     exchange request|reply|failed            push/pull, the other's members in the lines below
///     doubt, leave, facts, state, news
final class Bench {
    var state: SWIMState!
    var now = Instant.zero
    var timers: [(timer: SWIMTimer, generation: UInt64, at: Instant)] = []
    var base: UInt32 = 0
    var answering: [UInt64] = []

    func perform(_ command: ScriptCommand) throws -> String {
        switch command.name {
        case "node": return try create(command)
        case "members":
            var out = ""
            for word in command.list("list") {
                let parts = word.split(separator: "@")
                let record = TestNetwork.record(UInt64(parts[0])!, region: RegionID(String(parts[1])))
                out += feed(.packet(from: record.gossip!, packet(record.id.rawValue, .gossip, [.alive(record)])), only: "member")
            }
            return out
        case "advance":
            return advance(by: .milliseconds(try command.integer("ms")), quiet: command.has("quiet"), only: command.value("only"))
        case "sleep":
            now = now + .milliseconds(try command.integer("ms"))
            return advance(by: .zero, quiet: false, only: nil)
        case "answering":
            answering = command.list("list").compactMap { UInt64($0) }
            return ""
        case "from": return try arrive(command)
        case "exchange": return try exchange(command)
        case "doubt": return feed(.doubt(NodeID(UInt64(try command.integer("id")))))
        case "leave": return feed(.leave)
        case "facts": return feed(.updateFacts(MemberFacts(freeBytes: UInt64(try command.integer("free")))))
        case "state": return describe()
        case "news":
            return state.dissemination.entries.map { "\(show($0.update)) sent \($0.sent) of \(state.retransmissions)" }.joined(
                separator: "\n")
        default: throw ScriptError(file: command.file, line: command.line, reason: "no command \(command.name)")
        }
    }

    private func create(_ command: ScriptCommand) throws -> String {
        var settings = SWIMSettings()
        if command.has("tombstone") { settings.tombstoneAge = .milliseconds(try command.integer("tombstone")) }
        settings.confirmingProbes = try command.integer("confirming", default: 0)
        settings.confirmations = try command.integer("confirmations", default: 3)
        settings.helpers = try command.integer("helpers", default: 3)
        let record = TestNetwork.record(1, region: RegionID("a"), incarnation: UInt64(try command.integer("incarnation", default: 1)))
        state = SWIMState(
            self: record, seeds: command.list("seeds").compactMap { Endpoint($0) }, settings: settings, seed: 7, now: .zero)
        now = .zero
        timers = []
        answering = []
        base = state.nextSequence
        return feed(.start)
    }

    // MARK: Time

    private func advance(by span: Duration, quiet: Bool, only: String?) -> String {
        let end = now + span
        var out = ""
        while let place = timers.indices.min(by: { (timers[$0].at, timers[$0].generation) < (timers[$1].at, timers[$1].generation) }),
            timers[place].at <= end
        {
            let due = timers.remove(at: place)
            now = max(now, due.at)
            out += feed(.timer(due.timer, generation: due.generation), only: only)
        }
        now = end
        return quiet ? "" : out
    }

    private func feed(_ event: SWIMEvent, only: String? = nil) -> String {
        var effects: [SWIMEffect] = []
        state.handle(event, now: now, into: &effects)
        state.checkInvariants()
        var lines: [String] = []
        for effect in effects {
            switch effect {
            case .startTimer(let timer, let generation, let at):
                timers.removeAll { $0.timer == timer }
                timers.append((timer, generation, at))
            case .cancelTimer(let timer): timers.removeAll { $0.timer == timer }
            default: break
            }
            guard let text = show(effect), only.map({ text.hasPrefix($0) }) ?? true else { continue }
            lines.append("\(now.nanoseconds / 1_000_000) \(text)\n")
        }
        for case .send(let endpoint, let packet) in effects {
            guard case .ping(let number, let target, _, _) = packet.body, answering.contains(target.rawValue) else { continue }
            let ack = SWIMPacket.Body.ack(sequence: number, subject: target, coordinate: NetworkCoordinate())
            lines.append(feed(.packet(from: endpoint, self.packet(target.rawValue, ack, []))))
        }
        return lines.joined()
    }

    // MARK: Packets

    private func packet(_ id: UInt64, _ body: SWIMPacket.Body, _ updates: [MemberUpdate], knows: Bool = true) -> SWIMPacket {
        SWIMPacket(sender: NodeID(id), run: id * 1_000, incarnation: 1, knowsReceiver: knows, body: body, updates: updates)
    }

    private func arrive(_ command: ScriptCommand) throws -> String {
        let id = UInt64(try command.integer("id"))
        let sequence = base &+ UInt32(try command.integer("s", default: 0))
        let about = NodeID(UInt64(try command.integer("about", default: Int(id))))
        let body: SWIMPacket.Body
        let here = NetworkCoordinate()
        if command.has("ping") {
            body = .ping(sequence: sequence, target: NodeID(UInt64(try command.integer("target", default: 1))), coordinate: here, sample: 0)
        } else if command.has("ack") {
            body = .ack(sequence: sequence, subject: about, coordinate: here)
        } else if command.has("nack") {
            body = .nack(sequence: sequence, subject: about)
        } else if command.has("request") {
            let target = TestNetwork.record(about.rawValue, region: RegionID("b"))
            body = .pingRequest(
                sequence: sequence, target: about, endpoint: target.gossip!, patience: UInt32(try command.integer("patience") * 1_000))
        } else {
            body = .gossip
        }
        let updates = try command.input.split(separator: "\n").map { try self.update(String($0), command) }
        let from = Endpoint(host: "10.0.\(id / 250).\(id % 250)", port: 7_000)
        return feed(.packet(from: from, packet(id, body, updates, knows: !command.has("stranger"))))
    }

    private func fields(_ line: String) -> (words: [Substring], incarnation: UInt64, by: UInt64, region: String, run: UInt64) {
        let words = line.split(separator: " ")
        func value(_ key: String) -> String? { words.first { $0.hasPrefix(key + "=") }.map { String($0.dropFirst(key.count + 1)) } }
        let id = UInt64(words[1].dropFirst()) ?? 0
        return (
            words, UInt64(value("inc") ?? "1")!, UInt64(value("by") ?? "0")!,
            value("region") ?? state.member(NodeID(id))?.region.name ?? "b", UInt64(value("run") ?? "") ?? id * 1_000
        )
    }

    private func record(_ line: String) -> MemberRecord {
        let (words, incarnation, _, region, run) = fields(line)
        var record = TestNetwork.record(UInt64(words[1].dropFirst())!, region: RegionID(region), incarnation: incarnation)
        record.run = run
        return record
    }

    private func update(_ line: String, _ command: ScriptCommand) throws -> MemberUpdate {
        let (words, incarnation, by, _, _) = fields(line)
        let id = NodeID(UInt64(words[1].dropFirst())!)
        switch words[0] {
        case "alive": return .alive(record(line))
        case "suspect": return .suspect(id, incarnation: incarnation, accuser: NodeID(by))
        case "dead": return .dead(id, incarnation: incarnation, accuser: NodeID(by))
        case "left": return .left(id, incarnation: incarnation)
        default: throw ScriptError(file: command.file, line: command.line, reason: "no update \(words[0])")
        }
    }

    private func exchange(_ command: ScriptCommand) throws -> String {
        let id = UInt64(try command.integer("id"))
        if command.has("failed") { return feed(.syncFailed(SyncID(id))) }
        let members = command.input.split(separator: "\n").map { line in
            var record = self.record(String(line))
            record.status = MemberStatus.allCases.first { $0.description == line.split(separator: " ")[0] }!
            return record
        }
        let payload = SyncPayload(sender: members[0].id, run: members[0].run, members: members, coordinates: [], links: [])
        return command.has("reply") ? feed(.syncReply(SyncID(id), payload)) : feed(.syncRequest(SyncToken(id), payload))
    }

    // MARK: Text

    private func show(_ effect: SWIMEffect) -> String? {
        switch effect {
        case .send(let endpoint, let packet):
            let news = packet.updates.isEmpty ? "" : " [" + packet.updates.map { show($0) }.joined(separator: ", ") + "]"
            return "send \(endpoint.host) \(show(packet.body))\(packet.knowsReceiver ? "" : " stranger")\(news)"
        case .startTimer(let timer, _, let at):
            switch timer {
            case .tick, .table, .rejoin, .gossip, .sync, .syncTimeout: return nil
            case .probe(let number): return "timer probe s\(number &- base) at \(at.nanoseconds / 1_000_000)"
            case .relay(let number): return "timer relay s\(number &- base) at \(at.nanoseconds / 1_000_000)"
            case .suspicion(let id): return "timer suspicion \(id) at \(at.nanoseconds / 1_000_000)"
            case .leave: return "timer leave at \(at.nanoseconds / 1_000_000)"
            }
        case .cancelTimer: return nil
        case .sync(let id, let endpoint, let node, let payload):
            return "sync \(id.rawValue) with \(endpoint.host) \(node.map(\.description) ?? "anyone") telling \(show(payload))"
        case .syncReply(let token, let payload): return "answer \(token.rawValue) telling \(show(payload))"
        case .memberChanged(let record, let previous, let isCut):
            return
                "member \(record.id) \(previous?.description ?? "new") -> \(record.status) inc=\(record.incarnation)\(isCut ? " (region cut)" : "")"
        case .factsChanged(let record): return "facts of \(record.id) inc=\(record.incarnation) free=\(record.facts.freeBytes)"
        case .memberForgotten(let id): return "forgotten \(id)"
        case .regionUnreachable(let region, let members): return "region \(region) unreachable \(members)"
        case .regionReachable(let region): return "region \(region) reachable"
        case .identityConflict(let id, let one, let other):
            return "conflict \(id) \(one?.host ?? "?") \(other?.host ?? "?")"
        case .leaveFinished: return "left"
        }
    }

    private func show(_ payload: SyncPayload) -> String {
        payload.members.map { "\($0.id):\($0.status):\($0.incarnation)" }.joined(separator: " ")
    }

    private func show(_ body: SWIMPacket.Body) -> String {
        switch body {
        case .ping(let number, let target, _, let sample):
            "ping s\(number &- base) \(target)\(sample > 0 ? " sample=\(sample)" : "")"
        case .ack(let number, let subject, _): "ack s\(number &- base) of \(subject)"
        case .pingRequest(let number, let target, _, let patience): "request s\(number &- base) \(target) within \(patience / 1_000)"
        case .nack(let number, let subject): "nack s\(number &- base) of \(subject)"
        case .gossip: "gossip"
        }
    }

    private func show(_ update: MemberUpdate) -> String {
        switch update {
        case .alive(let record): "alive \(record.id) inc=\(record.incarnation)"
        case .suspect(let id, let incarnation, let accuser): "suspect \(id) inc=\(incarnation) by \(accuser)"
        case .dead(let id, let incarnation, let accuser): "dead \(id) inc=\(incarnation) by \(accuser)"
        case .left(let id, let incarnation): "left \(id) inc=\(incarnation)"
        case .link(let fact): "link \(fact.from)-\(fact.to) \(fact.median)us by \(fact.reporter)"
        }
    }

    private func describe() -> String {
        let members = state.members.map { record in
            let accusers = state.peers.first { $0.id == record.id }?.suspicion.map { " accused by \($0.accusers)" } ?? ""
            return "\(record.id) \(record.region) \(record.status) inc=\(record.incarnation)\(accusers)"
        }
        return (members + ["health \(state.localHealth), probes \(state.probes.count), cut \(state.unreachableRegions)"]).joined(
            separator: "\n")
    }
}
