import Filesystem
import NFSProtocol
import Primitives
import TestSupport

/// A server with file systems in memory, and clients that send it compounds.
///
/// `server [squash=…]`, `share NAME`, `client NAME [verifier=N]` (EXCHANGE_ID, CREATE_SESSION), `zero NAME` (SETCLIENTID and its
/// confirmation), `compound [client=NAME] [user=N] [minor=N] [slot=N] [again] [keep] [hold]` with an operation a line, `answer`
/// (what `hold` kept back from the server), `pass seconds=N`, `restart [node=N] [after=SECONDS]` (another server, or that of another
/// node, and what the last one had open is gone), `holders` (locks, and clients that are registered), `figures`, `fail OPERATION=CODE`, `raw` (bytes of a record in hexadecimal).
final class ServerDriver {
    private struct Client {
        var id: UInt64
        var session: [UInt8] = []
        var sequences: [UInt32: UInt32] = [:]
        var minor: UInt32
    }

    private var state = ServerDriver.server(.none)
    private var memory = MemoryFiles()
    private var now = Instant.zero
    private var clients: [String: Client] = [:]
    private var names = Names()
    private var transaction: UInt32 = 0
    private var held: [(CallID, SeamCall)] = []
    private var isHolding = false
    private let connection = ConnectionID(1)

    private static func server(_ squash: NFSSquash, node: Int = 1, at seconds: Int64 = 0) -> NFSState {
        var limits = NFSLimits()
        limits.slots = 4
        limits.operations = 16
        return NFSState(
            limits: limits, squash: squash, identity: "test \(node)", scope: "test",
            started: WallTime(nanoseconds: 12_300_000_000_000 + seconds * 1_000_000_000))
    }

    func run(_ command: ScriptCommand) throws -> String {
        switch command.name {
        case "server":
            state = Self.server(command.value("squash").flatMap(NFSSquash.init) ?? .none)
            _ = handle(.connected(connection, address: "192.0.2.1"))
            return ""
        case "restart":
            let node = try command.integer("node", default: 1)
            now = now + .seconds(Int64(try command.integer("after", default: 1)))
            memory.endServer()
            memory.node = NodeID(UInt64(node))
            state = Self.server(.none, node: node, at: now.nanoseconds / 1_000_000_000)
            _ = handle(.connected(connection, address: "192.0.2.1"))
            return ""
        case "holders": return holders()
        case "figures":
            return state.figures.operations.enumerated().filter { $1.count > 0 }.map { number, operation in
                "\(NFSFigures.name(number)) \(operation.count) errors=\(operation.errors) \(operation.classes.map(String.init).joined(separator: " "))"
            }.joined(separator: "\n")
        case "share":
            memory.add(command.arguments[0].key)
            return ""
        case "client": return try connect(command)
        case "zero": return try connectZero(command)
        case "compound": return try compound(command)
        case "answer":
            isHolding = false
            let calls = held
            held = []
            return calls.flatMap { describe(handle(.answered($0.0, memory.answer($0.1)))) }.joined(separator: "\n")
        case "pass":
            for _ in 0..<(try command.integer("seconds")) {
                now = now + .seconds(1)
                _ = handle(.tick)
            }
            let counts = state.counts
            return "clients \(counts.clients), sessions \(counts.sessions), states \(counts.states)"
        case "fail":
            for (key, value) in command.arguments { memory.failNext[key] = FileFailure.Code.allCases.first { $0.word == value }! }
            return ""
        case "performed":
            defer { memory.performed = [] }
            return memory.performed.joined(separator: " ")
        case "raw":
            let digits = command.input.filter { !$0.isWhitespace }
            let bytes = stride(from: 0, to: digits.count, by: 2).map { place in
                UInt8(String(Array(digits)[place..<place + 2]), radix: 16)!
            }
            return handle(.record(connection, bytes)).map { effect in
                switch effect {
                case .reply(_, let parts): parts.joined().map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
                case .close(_, let why): "closed: \(why)"
                default: "\(effect)"
                }
            }.joined(separator: "\n")
        default: throw ScriptError(file: command.file, line: command.line, reason: "unknown command \(command.name)")
        }
    }

    /// The replies, after all that the server asked for was answered.
    private func handle(_ event: NFSEvent) -> [NFSEffect] {
        var effects: [NFSEffect] = []
        memory.now = now
        state.handle(event, now: now, civil: WallTime(nanoseconds: memory.time), into: &effects)
        var told: [NFSEffect] = []
        for effect in effects {
            guard case .call(let id, let call) = effect else {
                told.append(effect)
                continue
            }
            if isHolding { held.append((id, call)) } else { told += handle(.answered(id, memory.answer(call))) }
        }
        return told
    }

    private func holders() -> String {
        memory.shares.flatMap { share in
            let files = memory.files[share.id]!
            let clients = files.clients.entries.map {
                "\($0.number & 0xffff) of \($0.node): \(String(decoding: $0.identity.owner, as: UTF8.self))"
            }
            let locks = files.locks.all.map { inode, lock in
                let end = lock.end == .max ? "end" : "\(lock.end)"
                return "\(lock.start)..<\(end) \(lock.exclusive ? "write" : "read") by \(lock.owner.session.rawValue & 0xffff)"
            }
            return clients + locks
        }.joined(separator: "\n")
    }

    // MARK: Compounds

    private func call(_ user: UInt32, _ minor: UInt32, _ operations: [[UInt8]]) -> [NFSEffect] {
        transaction += 1
        var writer = XDRWriter()
        for word in [transaction, 0, 2, 100_003, 4, 1, 1] { writer.write(word) }
        var credential = XDRWriter()
        credential.write(UInt32(0))
        credential.write("host")
        for word in [user, user, 0] { credential.write(word) }
        writer.write(opaque: credential.bytes)
        for word: UInt32 in [0, 0] { writer.write(word) }
        writer.write("")
        writer.write(minor)
        writer.write(UInt32(operations.count))
        for operation in operations { writer.write(fixed: operation) }
        return handle(.record(connection, writer.bytes))
    }

    private func compound(_ command: ScriptCommand) throws -> String {
        let user = UInt32(try command.integer("user", default: 0))
        let name = command.value("client") ?? "a"
        let minor = UInt32(try command.integer("minor", default: Int(clients[name]?.minor ?? 1)))
        names.client = clients[name]?.id ?? 0
        var operations: [[UInt8]] = []
        if let client = clients[name], client.minor == 1, !command.has("bare") {
            let slot = UInt32(try command.integer("slot", default: 0))
            let last = client.sequences[slot] ?? 0
            let sequence = command.has("again") ? last : last + UInt32(try command.integer("skip", default: 1))
            clients[name]!.sequences[slot] = max(last, sequence)
            var writer = XDRWriter()
            writer.write(UInt32(53))
            writer.write(fixed: client.session)
            for word in [sequence, slot, slot, command.has("keep") ? 1 : 0] { writer.write(word) }
            operations.append(writer.bytes)
        }
        for line in command.input.split(separator: "\n") {
            operations.append(try names.operation(String(line), minor: minor, in: command))
        }
        isHolding = command.has("hold")
        return describe(call(user, minor, operations)).joined(separator: "\n")
    }

    private func describe(_ effects: [NFSEffect]) -> [String] {
        effects.compactMap { effect in
            switch effect {
            case .reply(_, let parts): names.reply(Array(parts.joined()))
            case .close(_, let why): "closed: \(why)"
            case .endSession: nil
            case .call: "a call that was not answered"
            }
        }
    }

    // MARK: Clients

    private func connect(_ command: ScriptCommand) throws -> String {
        let name = command.arguments[0].key
        let user = UInt32(try command.integer("user", default: 0))
        var exchange = XDRWriter()
        exchange.write(UInt32(42))
        exchange.write(UInt64(try command.integer("verifier", default: 1)))
        exchange.write(name)
        for word: UInt32 in [0, 0, 0] { exchange.write(word) }
        guard var reader = names.results(call(user, 1, [exchange.bytes])), (try? reader.uint32()) == 42,
            let status = try? reader.uint32()
        else { return "no reply" }
        guard status == 0, let id = try? reader.uint64(), let sequence = try? reader.uint32(), let flags = try? reader.uint32() else {
            return "exchange_id \(names.word(status))"
        }
        var create = XDRWriter()
        create.write(UInt32(43))
        create.write(id)
        create.write(sequence)
        create.write(UInt32(0))
        for _ in 0..<2 { for word: UInt32 in [0, 1 << 20, 1 << 20, 4_096, 16, 8, 0] { create.write(word) } }
        for word: UInt32 in [0, 0] { create.write(word) }
        guard var made = names.results(call(user, 1, [create.bytes])), (try? made.uint32()) == 43, let status = try? made.uint32() else {
            return "no reply"
        }
        guard status == 0, let session = try? made.fixed(16) else { return "create_session \(names.word(status))" }
        _ = try? made.fixed(12)
        let channel = (0..<6).map { _ in (try? made.uint32()) ?? 0 }
        clients[name] = Client(id: id, session: Array(session), minor: 1)
        names.sessions[name] = Array(session)
        return "client \(id & 0xffff) flags \(String(flags, radix: 16)) slots \(channel[4])"
    }

    private func connectZero(_ command: ScriptCommand) throws -> String {
        let name = command.arguments[0].key
        var first = XDRWriter()
        first.write(UInt32(35))
        first.write(UInt64(try command.integer("verifier", default: 1)))
        first.write(name)
        first.write(UInt32(0))
        first.write("tcp")
        first.write("127.0.0.1.0.0")
        first.write(UInt32(0))
        guard var reader = names.results(call(0, 0, [first.bytes])), (try? reader.uint32()) == 35, (try? reader.uint32()) == 0,
            let id = try? reader.uint64(), let confirmation = try? reader.uint64()
        else { return "refused" }
        var second = XDRWriter()
        second.write(UInt32(36))
        second.write(id)
        second.write(confirmation)
        let answer = describe(call(0, 0, [second.bytes]))
        clients[name] = Client(id: id, minor: 0)
        return (["client \(id & 0xffff)"] + answer).joined(separator: "\n")
    }
}
