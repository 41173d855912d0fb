import Foundation
import Primitives

/// Bytes that chunks are measured on.
struct BenchInput: Sendable {
    /// `random`, `machine code`, `input`.
    var name: String
    /// Where they come from, in words.
    var source: String
    var bytes: [UInt8]

    static let minimumBytes = 1 << 20

    /// The same for every run of a seed; nothing can compress it.
    static func random(_ count: Int, seed: UInt64 = 1) -> BenchInput {
        var generator = SeededGenerator(seed: seed)
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, written in
            let raw = UnsafeMutableRawBufferPointer(buffer)
            for place in stride(from: 0, to: count - count % 8, by: 8) {
                raw.storeBytes(of: generator.next(), toByteOffset: place, as: UInt64.self)
            }
            for place in count - count % 8..<count { raw[place] = UInt8(truncatingIfNeeded: generator.next()) }
            written = count
        }
        return BenchInput(name: "random", source: "random bytes of seed \(seed)", bytes: bytes)
    }

    /// The program itself, then the libraries that it has loaded, as far as `count` goes.
    static func machineCode(_ count: Int) throws -> BenchInput {
        let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        var paths = [program]
        for line in try LocalFiles.text("/proc/self/maps").split(separator: "\n") {
            guard let start = line.firstIndex(of: "/") else { continue }
            let path = String(line[start...])
            if path.contains(".so"), !paths.contains(path) { paths.append(path) }
        }
        let (bytes, used) = try read(paths, limit: count)
        let others = used > 1 ? " and \(used - 1) of the libraries that it has loaded" : ""
        return BenchInput(name: "machine code", source: "this program\(others)", bytes: bytes)
    }

    /// A file, or the files of a directory in the order of their paths.
    static func file(_ path: String, _ count: Int) throws -> BenchInput {
        var isDirectory = ObjCBool(false)
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw CommandFailure("bench chunks", path, "there is no such file", hint: "--input takes a file or a directory")
        }
        var paths = [path]
        if isDirectory.boolValue {
            let names = (FileManager.default.enumerator(atPath: path)?.lazy.compactMap { $0 as? String }.prefix(1_000_000)).map(Array.init)
            paths = (names ?? []).sorted().map { "\(path)/\($0)" }.filter(isFile)
        }
        let (bytes, used) = try read(paths, limit: count)
        guard bytes.count >= minimumBytes else {
            throw CommandFailure(
                "bench chunks", path, "it has \(bytes.count) bytes, a measurement needs \(minimumBytes) at least",
                hint: "name a larger file, or a directory")
        }
        return BenchInput(name: "input", source: isDirectory.boolValue ? "\(used) files of \(path)" : path, bytes: bytes)
    }

    private static func isFile(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    /// The files one after the other, and how many of them it took.
    private static func read(_ paths: [String], limit: Int) throws -> (bytes: [UInt8], files: Int) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(limit)
        var files = 0
        for path in paths where bytes.count < limit {
            let file = open(path, O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { throw LocalFiles.failure("bench chunks: read", path) }
            defer { close(file) }
            files += 1
            var buffer = [UInt8](repeating: 0, count: 1 << 20)
            while bytes.count < limit {
                let count = Foundation.read(file, &buffer, min(buffer.count, limit - bytes.count))
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { throw LocalFiles.failure("bench chunks: read", path) }
                if count == 0 { break }
                bytes += buffer[..<count]
            }
        }
        return (bytes, files)
    }
}
