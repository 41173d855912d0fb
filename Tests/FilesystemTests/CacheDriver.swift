import Filesystem
import Primitives
import TestSupport

/// `lifetime ms=`, `at ms=`, `learn inode= size=`, `entry name= inode=`, `see inode=`, `find name=`, `forget …`, `fill count=`.
final class CacheDriver {
    private var caches = NFSCaches(lifetime: .seconds(3))
    private var now = Instant(nanoseconds: 1_000_000_000)

    func run(_ command: ScriptCommand) throws -> String {
        let inode = InodeID(UInt64(try command.integer("inode", default: 0)))
        let directory = InodeID(UInt64(try command.integer("in", default: 1)))
        let name = Array((command.value("name") ?? "").utf8)
        switch command.name {
        case "lifetime": caches = NFSCaches(lifetime: .milliseconds(try command.integer("ms")))
        case "wait": now = now + .milliseconds(try command.integer("ms"))
        case "learn":
            let value = Self.attributes(inode, size: UInt64(try command.integer("size", default: 0)))
            if name.isEmpty { caches.learn(value, now: now) } else { caches.learn(name, in: directory, value, now: now) }
        case "see": return caches.attributes(of: inode, now: now).map { "size \($0.size)" } ?? "unknown"
        case "find": return caches.entry(name, in: directory, now: now).map { "\($0.inode) \($0.type.word)" } ?? "unknown"
        case "forget": if name.isEmpty { caches.forget(inode) } else { caches.forget(name, in: directory) }
        case "fill":
            for number in 0..<(try command.integer("count")) {
                let value = Self.attributes(InodeID(UInt64(1_000 + number)), size: 1)
                caches.learn(Array("n\(number)".utf8), in: directory, value, now: now)
            }
        default: throw ScriptError(file: command.file, line: command.line, reason: "no command \(command.name)")
        }
        return ""
    }

    private static func attributes(_ inode: InodeID, size: UInt64) -> FileAttributes {
        let time = WallTime(nanoseconds: 0)
        return FileAttributes(
            inode: inode, type: .file, mode: 0o644, links: 1, owner: 0, group: 0, size: size, accessed: time, modified: time, changed: time,
            changeID: 1)
    }
}
