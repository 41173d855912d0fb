import Foundation
import Glibc
import Synchronization
import Testing

extension Processes {
    /// What breaks off, or has no room, in the middle of a download: one line, and no half file.
    @Suite(.serialized) struct TruncationTests {
        @Test func aDownloadThatBreaksOffLeavesNothing() throws {
            let cluster = try LocalCluster(regions: ["a"])
            defer { cluster.end() }
            let large = try cluster.write("large", LocalCluster.noise(4 << 20, seed: 3))
            for (kind, name) in [("nfs", "share"), ("volume", "data")] {
                #expect(cluster.run([kind, "create", name]).status == 0)
                #expect(cluster.run([kind, "put", name, large, "/large"]).status == 0)
            }
            let target = cluster.folder.appendingPathComponent("out")
            try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
            func left() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: target.path) }
            for (kind, name) in [("nfs", "share"), ("volume", "data")] {
                // Every connection of a proxy together gets a megabyte of answers; then all break.
                let proxy = try CuttingProxy(to: cluster.nodes[0].http, after: 1 << 20)
                defer { proxy.end() }
                let result = LocalCluster.run(
                    [kind, "get", name, "/large", target.path, "--endpoint", proxy.address],
                    environment: ["ATOLL_TOKEN_FILE": cluster.directory + "/admin-token"], in: cluster.folder)
                #expect(result.status == 1 && result.errors.split(separator: "\n").count == 1, "\(result)")
                #expect(result.errors.hasPrefix("atoll: \(kind) get \(kind)/\(name):/large: "), "\(result.errors)")
                #expect(result.errors.contains("before the answer was here; "), "\(result.errors)")
                #expect(try left() == [], "it left something")
                #expect(proxy.wasCut, "nothing was cut off")
            }
        }

        @Test(.enabled(if: Tmpfs.isPossible, "needs root, to mount a small disk")) func aLocalDiskThatIsFullIsTold() throws {
            let cluster = try LocalCluster(regions: ["a"])
            defer { cluster.end() }
            let large = try cluster.write("large", LocalCluster.noise(4 << 20, seed: 3))
            #expect(cluster.run(["nfs", "create", "share"]).status == 0)
            #expect(cluster.run(["nfs", "put", "share", large, "/dir/large"]).status == 0)
            let target = cluster.folder.appendingPathComponent("out")
            try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
            let disk = try Tmpfs(at: target.path, bytes: 1 << 20)
            defer { disk.unmount() }
            let result = cluster.run(["nfs", "get", "share", "/dir/large", target.path])
            #expect(result.status == 1 && result.errors.split(separator: "\n").count == 1, "\(result)")
            #expect(
                result.errors.hasPrefix("atoll: nfs get \(target.path)/large: No space left on device; free some space on that disk"),
                "\(result.errors)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: target.path) == [], "it left something")
        }
    }
}

/// Passes connections on to an address, and closes them all when so many bytes of answers have gone through.
private final class CuttingProxy: Sendable {
    private struct State {
        var left: Int
        var descriptors: [Int32] = []
        var isOver = false
    }

    let address: String
    private let listener: Int32
    private let port: UInt16
    private let state: Mutex<State>

    init(to target: String, after bytes: Int) throws {
        port = UInt16(target.split(separator: ":").last ?? "") ?? 0
        state = Mutex(State(left: bytes))
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        listener = descriptor
        var place = Self.loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &place) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 && listen(descriptor, 16) == 0 && getsockname(descriptor, address, &length) == 0
            }
        }
        address = "127.0.0.1:\(UInt16(bigEndian: place.sin_port))"
        guard bound else { throw LocalCluster.Failure(what: "a proxy at \(address): \(String(cString: strerror(errno)))") }
        Thread { self.accept() }.start()
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = port.bigEndian
        place.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return place
    }

    var wasCut: Bool { state.withLock { $0.left <= 0 } }

    /// Shut once and not closed: a number that is closed here could be another file's while a thread still uses it.
    func end() {
        let isFirst = state.withLock { state in
            defer { state.isOver = true }
            guard !state.isOver else { return false }
            for descriptor in state.descriptors { shutdown(descriptor, Int32(SHUT_RDWR)) }
            return true
        }
        if isFirst { shutdown(listener, Int32(SHUT_RDWR)) }
    }

    private func accept() {
        while true {
            let client = Glibc.accept(listener, nil, nil)
            guard client >= 0 else { return }
            let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var place = Self.loopback(port)
            let isConnected = withUnsafePointer(to: &place) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
            let isWanted = state.withLock { state in
                guard isConnected, !state.isOver, state.left > 0 else { return false }
                state.descriptors += [client, server]
                return true
            }
            guard isWanted else {
                close(client)
                close(server)
                continue
            }
            Thread { self.pass(client, server, isAnswer: false) }.start()
            Thread { self.pass(server, client, isAnswer: true) }.start()
        }
    }

    private func pass(_ from: Int32, _ to: Int32, isAnswer: Bool) {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = read(from, &buffer, buffer.count)
            guard count > 0 else { break }
            let allowed = state.withLock { state in
                guard isAnswer else { return count }
                defer { state.left -= count }
                return max(0, min(count, state.left))
            }
            var done = 0
            while done < allowed {
                let sent = buffer.withUnsafeBytes { send(to, $0.baseAddress! + done, allowed - done, Int32(MSG_NOSIGNAL)) }
                guard sent > 0 else { break }
                done += sent
            }
            guard allowed == count, done == count else {
                end()
                break
            }
        }
        shutdown(from, Int32(SHUT_RDWR))
        shutdown(to, Int32(SHUT_RDWR))
    }
}
