import Filesystem
import NFSProtocol
import Namespace
import Primitives
import Testing

/// Many clients, two servers of one cluster that start again whenever they like, and answers that get lost: no lock is held by two
/// clients that the servers go on serving, and nothing that COMMIT has acknowledged is lost.
@Suite struct RestartTests {
    @Test(arguments: 1...16) func nobodyLosesWhatWasPromised(seed: UInt64) throws {
        var world = RestartWorld(seed: seed)
        for _ in 0..<600 { try world.step() }
        for place in world.clients.indices { try world.check(contentOf: place) }
        // The test is of something.
        #expect(world.granted > 20 && world.reclaimed > 0 && world.restarts > 3, "\(world.granted) \(world.reclaimed)")
    }
}

struct RestartWorld {
    struct Held: Hashable {
        var range: Range<UInt64>
        var isExclusive: Bool
        var grant: Int
    }

    struct Client {
        var name: String
        var server = 0
        var boot: UInt64 = 1
        var id: UInt64 = 0
        var session: [UInt8] = []
        var sequence: UInt32 = 0
        var open: [UInt8]?
        var lock: [UInt8]?
        var held: [Held] = []
        /// A file of its own: what was acknowledged, and what was sent since.
        var file: [UInt8]?
        var ownOpen: [UInt8]?
        var written: UInt8 = 0
        var committed: UInt8 = 0
        var pendingVerifier: UInt64?
    }

    var random: SeededGenerator
    var memory = MemoryFiles()
    var servers: [NFSState]
    var clients: [Client]
    var now = Instant.zero
    var shared: [UInt8] = []
    var granted = 0
    var reclaimed = 0
    var restarts = 0

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        memory.add("s")
        servers = []
        clients = (0..<5).map { Client(name: "client \($0)") }
        for node in 0..<2 { servers.append(Self.server(node, now)) }
        for node in 0..<2 { _ = handle(.connected(ConnectionID(1), address: ""), node) }
    }

    static func server(_ node: Int, _ now: Instant) -> NFSState {
        NFSState(
            squash: .none, identity: "n\(node)", scope: "s", started: WallTime(nanoseconds: 1 << 50 + now.nanoseconds))
    }

    mutating func chance(_ one: Int) -> Bool { random.below(one) == 0 }

    /// The reply; a call that is carried out while the server ends is not answered.
    private mutating func handle(_ event: NFSEvent, _ node: Int) -> [UInt8]? {
        memory.node = NodeID(UInt64(node + 1))
        memory.now = now
        var reply: [UInt8]?
        var events = [event]
        while let next = events.popLast() {
            var effects: [NFSEffect] = []
            servers[node].handle(next, now: now, civil: WallTime(nanoseconds: memory.time), into: &effects)
            for effect in effects {
                switch effect {
                case .call(let id, let call): events.insert(.answered(id, memory.answer(call)), at: 0)
                case .reply(_, let parts): reply = Array(parts.joined())
                default: break
                }
            }
        }
        return reply
    }

    private mutating func restart(_ node: Int) {
        restarts += 1
        now = now + .seconds(1)
        memory.node = NodeID(UInt64(node + 1))
        memory.endServer()
        servers[node] = Self.server(node, now)
        _ = handle(.connected(ConnectionID(1), address: ""), node)
    }

    // MARK: Compounds

    /// What follows the head of a reply: status, count of results, results. Nil where it was lost.
    private mutating func send(_ place: Int, _ operations: [[UInt8]]) -> XDRReader? {
        var writer = XDRWriter()
        for word: UInt32 in [7, 0, 2, 100_003, 4, 1, 0, 0, 0, 0, 0, 1] { writer.write(word) }
        writer.write(UInt32(operations.count))
        for operation in operations { writer.write(fixed: operation) }
        let reply = handle(.record(ConnectionID(1), writer.bytes), clients[place].server)
        if chance(40) {
            restart(clients[place].server)
            return nil
        }
        guard let reply else { return nil }
        var reader = XDRReader(reply)
        guard (try? reader.fixed(24)) != nil, (try? reader.uint32()) != nil, (try? reader.opaque()) != nil else { return nil }
        return reader
    }

    private static func operation(_ number: UInt32, _ body: (inout XDRWriter) -> Void = { _ in }) -> [UInt8] {
        var writer = XDRWriter()
        writer.write(number)
        body(&writer)
        return writer.bytes
    }

    /// Results behind SEQUENCE; nil where there are none.
    private mutating func call(_ place: Int, _ operations: [[UInt8]]) throws -> XDRReader? {
        let client = clients[place]
        guard !client.session.isEmpty else { return nil }
        clients[place].sequence += 1
        let head = Self.operation(53) {
            $0.write(fixed: client.session)
            for word: UInt32 in [client.sequence + 1, 0, 0, 0] { $0.write(word) }
        }
        guard var reader = send(place, [head] + operations) else {
            clients[place].session = []
            return nil
        }
        _ = try reader.uint32()
        _ = try reader.uint32()
        guard try reader.uint32() == 0 else {
            clients[place].session = []
            return nil
        }
        _ = try reader.fixed(36)
        try checkExclusion(place)
        return reader
    }

    /// A client that is served holds nothing that another was given since.
    private func checkExclusion(_ place: Int) throws {
        for (other, theirs) in clients.enumerated() where other != place {
            for lock in theirs.held {
                for mine in clients[place].held where mine.range.overlaps(lock.range) && (mine.isExclusive || lock.isExclusive) {
                    try #require(mine.grant > lock.grant, "clients \(place) and \(other) hold \(mine.range) and \(lock.range)")
                }
            }
        }
    }

    private func status(_ reader: inout XDRReader, _ number: UInt32) throws -> UInt32 {
        try #require(try reader.uint32() == number)
        return try reader.uint32()
    }

    // MARK: What clients do

    mutating func step() throws {
        let place = random.below(clients.count)
        now = now + .milliseconds(Int64(random.below(3_000)))
        if chance(60) { now = now + .seconds(Int64(random.below(150))) }
        if chance(30) { restart(random.below(2)) }
        if chance(100) { startAnew(place) }
        for node in 0..<2 { _ = handle(.tick, node) }
        if clients[place].session.isEmpty { return try establish(place) }
        switch random.below(4) {
        case 0: try unlock(place)
        case 1: try write(place)
        default: try lock(place)
        }
    }

    private mutating func startAnew(_ place: Int) {
        let client = clients[place]
        clients[place] = Client(name: client.name, server: client.server, boot: client.boot + 1)
        (clients[place].file, clients[place].written, clients[place].committed) = (client.file, client.written, client.committed)
    }

    private mutating func establish(_ place: Int) throws {
        if chance(4) { clients[place].server = random.below(2) }
        let client = clients[place]
        let exchange = Self.operation(42) {
            $0.write(client.boot)
            $0.write(client.name)
            for word: UInt32 in [0, 0, 0] { $0.write(word) }
        }
        guard var reader = send(place, [exchange]) else { return }
        _ = try reader.uint32()
        guard try status(&reader, 42) == 0 else { return }
        let (id, sequence) = (try reader.uint64(), try reader.uint32())
        let create = Self.operation(43) {
            $0.write(id)
            for word: UInt32 in [sequence, 0] { $0.write(word) }
            for _ in 0..<2 { for word: UInt32 in [0, 1 << 20, 1 << 20, 4_096, 16, 8, 0] { $0.write(word) } }
            for word: UInt32 in [0, 0] { $0.write(word) }
        }
        guard var made = send(place, [create]) else { return }
        _ = try made.uint32()
        guard try status(&made, 43) == 0 else { return }
        clients[place].session = Array(try made.fixed(16))
        clients[place].sequence = 0
        let isSame = client.id == id
        clients[place].id = id
        if !isSame { try reclaim(place) }
    }

    private mutating func reclaim(_ place: Int) throws {
        let client = clients[place]
        (clients[place].open, clients[place].lock, clients[place].ownOpen, clients[place].held) = (nil, nil, nil, [])
        for (file, isShared) in [(shared, true), (client.file ?? [], false)] where !file.isEmpty {
            guard isShared ? client.open != nil : client.ownOpen != nil else { continue }
            guard let state = try open(place, file, claim: 1, by: isShared ? "o" : "p") else {
                if clients[place].session.isEmpty { return }
                continue
            }
            if isShared { clients[place].open = state } else { clients[place].ownOpen = state }
        }
        for held in client.held where clients[place].open != nil {
            if try lock(place, held.range, held.isExclusive, reclaim: true) { reclaimed += 1 }
            if clients[place].session.isEmpty { return }
        }
        _ = try call(place, [Self.operation(58) { $0.write(false) }])
        // Without an answer it may try no more.
    }

    private func putHandle(_ file: [UInt8]) -> [UInt8] { Self.operation(22) { $0.write(opaque: file) } }

    /// Claim 0 makes `name`, 1 reclaims the current object.
    private mutating func open(_ place: Int, _ file: [UInt8], claim: UInt32, by owner: String, name: String = "") throws -> [UInt8]? {
        let open = Self.operation(18) {
            for word: UInt32 in [0, 3, 0] { $0.write(word) }
            $0.write(UInt64(0))
            $0.write(owner)
            $0.write(UInt32(claim == 0 ? 1 : 0))
            if claim == 0 { for word: UInt32 in [0, 0, 0] { $0.write(word) } }
            $0.write(claim)
            if claim == 0 { $0.write(name) } else { $0.write(UInt32(0)) }
        }
        let start = claim == 0 ? [Self.operation(24), Self.operation(15) { $0.write("s") }] : [putHandle(file)]
        guard var reader = try call(place, start + [open, Self.operation(10)]) else { return nil }
        for number: UInt32 in claim == 0 ? [24, 15] : [22] { guard try status(&reader, number) == 0 else { return nil } }
        guard try status(&reader, 18) == 0 else { return nil }
        let state = Array(try reader.fixed(16))
        _ = try reader.fixed(24)
        for _ in 0..<(try reader.count()) { _ = try reader.uint32() }
        _ = try reader.uint32()
        guard try status(&reader, 10) == 0 else { return nil }
        let handle = Array(try reader.opaque())
        if owner == "o" { shared = handle } else { clients[place].file = handle }
        return state
    }

    private mutating func lock(_ place: Int) throws {
        if clients[place].open == nil { clients[place].open = try open(place, [], claim: 0, by: "o", name: "shared") }
        guard clients[place].open != nil else { return }
        let start = UInt64(random.below(8))
        _ = try lock(place, start..<start + 1 + UInt64(random.below(3)), chance(2), reclaim: false)
    }

    private mutating func lock(_ place: Int, _ range: Range<UInt64>, _ isExclusive: Bool, reclaim: Bool) throws -> Bool {
        let client = clients[place]
        let operation = Self.operation(12) {
            $0.write(UInt32(isExclusive ? 2 : 1))
            $0.write(reclaim)
            $0.write(range.lowerBound)
            $0.write(UInt64(range.count))
            $0.write(client.lock == nil)
            if let lock = client.lock {
                $0.write(fixed: lock)
                $0.write(UInt32(0))
            } else {
                $0.write(UInt32(0))
                $0.write(fixed: client.open!)
                $0.write(UInt32(0))
                $0.write(UInt64(0))
                $0.write("l")
            }
        }
        guard var reader = try call(place, [putHandle(shared), operation]) else { return false }
        guard try status(&reader, 22) == 0, try status(&reader, 12) == 0 else { return false }
        clients[place].lock = Array(try reader.fixed(16))
        granted += 1
        drop(range, of: place)
        clients[place].held.append(Held(range: range, isExclusive: isExclusive, grant: granted))
        try checkExclusion(place)
        return true
    }

    private mutating func drop(_ range: Range<UInt64>, of place: Int) {
        clients[place].held = clients[place].held.flatMap { held -> [Held] in
            guard held.range.overlaps(range) else { return [held] }
            return [
                held.range.lowerBound..<max(held.range.lowerBound, range.lowerBound),
                min(held.range.upperBound, range.upperBound)..<held.range.upperBound,
            ]
            .filter { !$0.isEmpty }.map { Held(range: $0, isExclusive: held.isExclusive, grant: held.grant) }
        }
    }

    private mutating func unlock(_ place: Int) throws {
        guard let lock = clients[place].lock, let held = clients[place].held.first else { return }
        drop(held.range, of: place)
        let operation = Self.operation(14) {
            $0.write(UInt32(2))
            $0.write(UInt32(0))
            $0.write(fixed: lock)
            $0.write(held.range.lowerBound)
            $0.write(UInt64(held.range.count))
        }
        guard var reader = try call(place, [putHandle(shared), operation]) else { return }
        if try status(&reader, 22) == 0, try status(&reader, 14) == 0 { clients[place].lock = Array(try reader.fixed(16)) }
    }

    /// Writes the next byte, and commits: acknowledged where the verifier is that of the write.
    private mutating func write(_ place: Int) throws {
        if clients[place].ownOpen == nil { clients[place].ownOpen = try open(place, [], claim: 0, by: "p", name: "own \(place)") }
        guard let open = clients[place].ownOpen, let file = clients[place].file else { return }
        let byte = clients[place].written &+ 1
        let write = Self.operation(38) {
            $0.write(fixed: open)
            $0.write(UInt64(0))
            $0.write(UInt32(0))
            $0.write(opaque: [byte])
        }
        clients[place].written = byte
        guard var reader = try call(place, [putHandle(file), write]) else { return }
        guard try status(&reader, 22) == 0, try status(&reader, 38) == 0 else { return }
        _ = try reader.uint64()
        let verifier = try reader.uint64()
        if chance(4) { restart(clients[place].server) }
        guard var second = try call(place, [putHandle(file), Self.operation(5) { $0.write(fixed: [UInt8](repeating: 0, count: 12)) }])
        else { return }
        guard try status(&second, 22) == 0, try status(&second, 5) == 0 else { return }
        if try second.uint64() == verifier { clients[place].committed = byte }
    }

    /// The last byte that was acknowledged, or one that was sent later.
    func check(contentOf place: Int) throws {
        guard clients[place].committed > 0 else { return }
        let names = memory.files[memory.shares[0].id]!
        let inode = try names.namespace.tree.walk(FilePath("own \(place)")!, followLast: false).inode
        let found = names.content[inode]?.first ?? 0
        let (least, most) = (clients[place].committed, clients[place].written)
        try #require(found &- least <= most &- least, "client \(place) has \(found), of \(least)...\(most)")
    }
}
