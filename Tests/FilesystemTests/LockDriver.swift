import Filesystem
import Primitives
import TestSupport

/// `grant f=1 range=0+10 mode=ex owner=n1/s1/o1`, `release`, `end node= session=`, `show`, `fill count=`.
final class LockDriver {
    private var table = LockTable()

    func run(_ command: ScriptCommand) throws -> String {
        let inode = InodeID(UInt64(try command.integer("f", default: 2)))
        switch command.name {
        case "grant":
            let owner = try owner(command)
            let exclusive = command.value("mode") != "sh"
            let range = try range(command)
            guard !range.isEmpty else { return "an empty range" }
            if let holder = table.conflict(inode, range, exclusive: exclusive, owner: owner) { return "held: \(Self.words(holder))" }
            guard table.grant(inode, range, exclusive: exclusive, owner: owner) else { return "full" }
        case "release": guard table.release(inode, try range(command), owner: try owner(command)) else { return "full" }
        case "end":
            table.releaseAll(node: NodeID(UInt64(try command.integer("node"))), session: SessionID(UInt64(try command.integer("session"))))
        case "holders": return table.holders.map { "\($0.node)/s\($0.session.rawValue)" }.joined(separator: " ")
        case "fill":
            // Every second byte, so that nothing merges.
            let owner = try owner(command)
            for position in 0..<(try command.integer("count")) {
                _ = table.grant(
                    InodeID(UInt64(100 + position / 8)), LockRange(start: UInt64(position * 2), length: 1), exclusive: true, owner: owner)
            }
            return "\(table.count) locks"
        case "count": return "\(table.count)"
        case "show": break
        default: throw ScriptError(file: command.file, line: command.line, reason: "no command \(command.name)")
        }
        table.checkInvariants()
        guard table.count < 1_000 else { return table.locks(on: inode).map(Self.words).joined(separator: "\n") }
        guard let again = try? LockTable(xdr: table.xdrBytes), again == table else { return "its bytes are read as another table" }
        return table.locks(on: inode).map(Self.words).joined(separator: "\n")
    }

    private static func words(_ lock: HeldLock) -> String {
        let end = lock.end == .max ? "end" : "\(lock.end)"
        let owner = lock.owner
        return "\(lock.start)..\(end) \(lock.exclusive ? "ex" : "sh") \(owner.node)/s\(owner.session.rawValue)/o\(owner.owner)"
    }

    /// `0+10`, or `5+end`.
    private func range(_ command: ScriptCommand) throws -> LockRange {
        let parts = (command.value("range") ?? "").split(separator: "+")
        guard parts.count == 2, let start = parts[0] == "max" ? UInt64.max : UInt64(parts[0]) else {
            throw ScriptError(file: command.file, line: command.line, reason: "range=START+LENGTH")
        }
        return LockRange(start: start, length: UInt64(parts[1]) ?? .max)
    }

    /// `n1/s2/o3`, each part left out from the end being 1.
    private func owner(_ command: ScriptCommand) throws -> LockOwner {
        var numbers = (command.value("owner") ?? "n1").split(separator: "/").compactMap { UInt64($0.dropFirst()) }
        while numbers.count < 3 { numbers.append(1) }
        return LockOwner(node: NodeID(numbers[0]), session: SessionID(numbers[1]), owner: numbers[2])
    }
}
