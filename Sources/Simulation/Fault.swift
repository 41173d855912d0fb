import NodeCore
package import Primitives
import Workloads

/// One thing that goes wrong, or is mended. Machines are named by their numbers from 0.
package enum Fault: Hashable, Sendable {
    /// No packet of `from` reaches `to`.
    case cut(from: [Int], to: [Int])
    case uncut(from: [Int], to: [Int])
    /// The process, or with `isSudden` the whole machine.
    case crash(Int, isSudden: Bool)
    case restart(Int)
    case pause(Int, nanoseconds: Int64)
    /// What a process receives and sends waits, while its timers go on: one whose threads for the network are starved
    /// (the anomaly of the Lifeguard paper, §V). Of membership alone.
    case stallPackets(Int, nanoseconds: Int64)
    case stallDisk(Int, nanoseconds: Int64)
    case slowDisk(Int, factor: Int)
    case fillDisk(Int, isFull: Bool)
    /// The next sync of a disk fails: the node ends, and is started again. Only where the storage's own code runs.
    case failSync(Int)
    /// A number of chunks, chosen by chance, decay on one disk; never the last sound copy of one.
    case decay(Int, chunks: Int)
    /// A bit of the log or of a snapshot decays, and the node is started anew: it refuses, and gets an empty disk.
    case rot(Int, RottenPart)
    /// The machine comes back with an empty disk, and is refused: it has forgotten its votes
    /// (docs/rfcs/2026-11-21-a-disk-that-was-emptied.md). It counts as lost from then on.
    case replaceDisk(Int)
    /// Civil time jumps; the monotonic clock does not.
    case stepClock(Int, nanoseconds: Int64)
    case driftClock(Int, ppm: Int64)
    case weather(NetworkWeather)
    /// A route between two regions becomes longer (or as it was), both ways.
    case shift(RegionID, RegionID, nanoseconds: Int64)
    /// Additional loss between two regions, in 1/10,000.
    case lossy(RegionID, RegionID, loss: Int)
    case leave(Int)
    /// Another program is started on the machine: it speaks these versions of the wire.
    case upgrade(Int, oldest: Int, newest: Int, isPoisoned: Bool)
    /// All that was broken is mended, all that was down is started.
    case healAll
}

extension Fault {
    /// The machine whose disk is lost for good by it, or may be.
    var lostDisk: Int? {
        switch self {
        case .replaceDisk(let node), .rot(let node, _): node
        default: nil
        }
    }
}

extension World {
    mutating func apply(_ fault: Fault) {
        guard !isFrozen || fault == .healAll else { return }
        statistics.faults += 1
        trace.line(now, "fault \(fault)")
        // That machines start in the beginning is nothing that went wrong.
        if timeline?.hasBegun == true {
            let text = words(fault)
            timeline?.mark(fault: text, at: now)
        }
        trace.fold(0xFA ^ statistics.faults)
        switch fault {
        case .cut(let from, let to):
            if from.count + to.count == hosts.count { noteLost(from.count < to.count ? from : to) }
            setCuts(from, to, by: 1)
        case .uncut(let from, let to): setCuts(from, to, by: -1)
        case .crash(let node, let isSudden): crash(node, isSudden: isSudden)
        case .restart(let node): restart(node)
        case .pause(let node, let span): hosts[node].pausedUntil = max(hosts[node].pausedUntil, now + span)
        case .stallPackets: preconditionFailure("only scenarios of gossip stall packets")
        case .stallDisk(let node, let span): hosts[node].disk.stalledUntil = max(hosts[node].disk.stalledUntil, now + span)
        case .slowDisk(let node, let factor): hosts[node].disk.slowness = max(1, factor)
        case .fillDisk(let node, let isFull): hosts[node].disk.isFull = isFull
        case .failSync(let node): hosts[node].disk.storage?.failSync()
        case .decay(let node, let count): decay(count, on: node)
        case .replaceDisk(let node):
            crash(node, isSudden: true)
            replaceDisk(node)
            restart(node)
        case .rot(let node, let part): rot(part, on: node)
        case .stepClock(let node, let span):
            hosts[node].clock.civilOffset += span
            if hosts[node].isUp { tellCivil(node) }
        case .driftClock(let node, let ppm): hosts[node].clock.setDrift(ppm, at: now)
        case .weather(let weather): self.weather = weather
        case .shift(let a, let b, let span): change(a, b) { $0.shift = span }
        case .lossy(let a, let b, let loss): change(a, b) { $0.loss = loss }
        case .leave(let node): if hosts[node].isUp { handle(.leave, on: node) }
        case .upgrade(let node, let oldest, let newest, let isPoisoned): upgrade(node, Program(oldest...newest, isPoisoned: isPoisoned))
        case .healAll: healAll()
        }
    }

    private mutating func setCuts(_ from: [Int], _ to: [Int], by step: Int) {
        for a in from {
            for b in to where a != b {
                let place = link(a, b)
                if step > 0 { cuts[place] += 1 } else if cuts[place] > 0 { cuts[place] -= 1 }
            }
        }
    }

    private mutating func change(_ a: RegionID, _ b: RegionID, _ body: (inout Path) -> Void) {
        let regions = options.map.regions
        guard let first = regions.firstIndex(where: { $0.id == a }), let second = regions.firstIndex(where: { $0.id == b }) else { return }
        body(&paths[first * regionCount + second])
        if first != second { body(&paths[second * regionCount + first]) }
    }

    private mutating func decay(_ count: Int, on node: Int) {
        let names = hosts[node].disk.stored
        guard !names.isEmpty else { return }
        for _ in 0..<count {
            let name = names[chance.below(names.count)]
            let others = hosts.indices.count { $0 != node && hosts[$0].disk.stored(name) && isSound(name, $0) }
            guard others > 0 else { continue }
            noteTaken(name, node, isDecay: true)
            if let storage = storage(node) { storage.decay(name) } else { hosts[node].disk.decay(name) }
        }
    }

    private mutating func healAll() {
        isFrozen = true
        for place in cuts.indices { cuts[place] = 0 }
        weather.loss = min(weather.loss, 10)
        weather.duplication = 0
        weather.reordering = 0
        for place in paths.indices { (paths[place].shift, paths[place].loss) = (0, 0) }
        for node in hosts.indices where !hosts[node].isLeftOut {
            // A stopped process goes on when its time is over: what waits for it is in the heap.
            // Whoever is left with a program that does not do gets one that does.
            if hosts[node].program.isPoisoned || !hosts.allSatisfy({ $0.program.understands(hosts[node].program) }) {
                upgrade(node, Program(1...2))
            }
            hosts[node].disk.stalledUntil = 0
            hosts[node].disk.slowness = 1
            hosts[node].disk.isFull = false
            hosts[node].disk.storage?.heal()
            if !hosts[node].isReplaced { restart(node) }
            if hosts[node].isReplaced { crash(node, isSudden: false) }
        }
        for inside in hosts.indices where hosts[inside].isLeftOut && hosts[inside].isCutOff {
            for outside in hosts.indices where !hosts[outside].isLeftOut {
                cuts[link(inside, outside)] = 1
                cuts[link(outside, inside)] = 1
            }
        }
    }
}

extension World {
    /// For people.
    private func words(_ fault: Fault) -> String {
        func name(_ node: Int) -> String { "n\(node + 1) (\(hosts[node].region))" }
        func names(_ nodes: [Int]) -> String { nodes.map { "n\($0 + 1)" }.joined(separator: " ") }
        func seconds(_ nanoseconds: Int64) -> String { "\(nanoseconds / 1_000_000) ms" }
        return switch fault {
        case .cut(let from, let to): "nothing gets from \(names(from)) to \(names(to))"
        case .uncut(let from, let to): "\(names(from)) reach \(names(to)) again"
        case .crash(let node, let isSudden): "\(name(node)) \(isSudden ? "loses power" : "is killed")"
        case .restart(let node): "\(name(node)) starts"
        case .pause(let node, let span): "\(name(node)) stands still for \(seconds(span))"
        case .stallPackets(let node, let span): "packets of \(name(node)) wait for \(seconds(span))"
        case .stallDisk(let node, let span): "the disk of \(name(node)) stalls for \(seconds(span))"
        case .slowDisk(let node, 1): "the disk of \(name(node)) is as fast as before"
        case .slowDisk(let node, let factor): "the disk of \(name(node)) is \(factor) times slower"
        case .fillDisk(let node, let isFull): "the disk of \(name(node)) \(isFull ? "is full" : "has room again")"
        case .failSync(let node): "a sync of the disk of \(name(node)) fails"
        case .decay(let node, let chunks): "\(chunks) chunks decay on \(name(node))"
        case .rot(let node, .log): "the log of \(name(node)) decays, and it is started anew"
        case .rot(let node, .snapshots): "a snapshot of \(name(node)) decays, and it is started anew"
        case .replaceDisk(let node): "\(name(node)) comes back with an empty disk"
        case .stepClock(let node, let span): "the clock of \(name(node)) jumps by \(seconds(span))"
        case .driftClock(let node, let ppm): "the clock of \(name(node)) is \(ppm) ppm wrong"
        case .weather: "the network's weather changes"
        case .shift(let a, let b, 0): "the way between \(a) and \(b) is as before"
        case .shift(let a, let b, let span): "the way between \(a) and \(b) is \(seconds(span)) longer"
        case .lossy(let a, let b, 0): "packets between \(a) and \(b) are no longer lost"
        case .lossy(let a, let b, let loss): "\(loss / 100) percent of packets between \(a) and \(b) are lost"
        case .leave(let node): "\(name(node)) leaves"
        case .upgrade(let node, let oldest, let newest, let isPoisoned):
            "\(name(node)) starts another program, of wire versions \(oldest) to \(newest)\(isPoisoned ? ", which crashes on entries" : "")"
        case .healAll: "all is mended"
        }
    }
}
