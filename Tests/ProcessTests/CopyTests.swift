import Foundation
import Glibc
import Testing

extension Processes {
    /// What `put` and `get` keep of a tree besides the bytes of its files.
    @Suite(.serialized) struct CopyTests {
        private struct Meta: Equatable, CustomStringConvertible {
            var mode: mode_t
            var seconds: Int
            var nanoseconds: Int
            init(_ path: String) {
                var status = stat()
                lstat(path, &status)
                (mode, seconds, nanoseconds) = (status.st_mode, status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
            }
            var description: String { "\(String(mode, radix: 8)) \(seconds).\(nanoseconds)" }
        }

        private func age(_ path: String, _ seconds: Int) {
            let time = timespec(tv_sec: seconds, tv_nsec: 123_456_789)
            let times = [time, time]
            utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW)
        }

        private func blocks(_ path: String) -> Int {
            var status = stat()
            stat(path, &status)
            return Int(status.st_blocks) * 512
        }

        /// A directory with an old directory, links, set-id files, and files with holes.
        private func makeTree(_ root: String) throws -> [String: Data] {
            let files = FileManager.default
            try files.createDirectory(atPath: "\(root)/sub/deep", withIntermediateDirectories: true)
            var content: [String: Data] = [:]
            func write(_ name: String, _ data: Data, mode: mode_t) throws {
                try data.write(to: URL(fileURLWithPath: "\(root)/\(name)"))
                chmod("\(root)/\(name)", mode)
                content[name] = data
            }
            try write("sub/deep/plain", Data("plain".utf8), mode: 0o640)
            try write("sub/user", Data("#!/bin/sh\n".utf8), mode: 0o4755)
            try write("sub/group", Data("#!/bin/sh\n".utf8), mode: 0o2750)
            // Bytes, a hole, bytes, a hole to the end; one that is nothing but a hole; one that begins with one.
            let sparse: [(String, UInt64, [UInt64])] = [
                ("holes", 24 << 20, [0, 8 << 20, 20 << 20]), ("hole", 3 << 20, []), ("late", (5 << 20) + 7, [(5 << 20) + 3]),
            ]
            for (name, size, places) in sparse {
                let path = "\(root)/\(name)"
                let descriptor = open(path, O_CREAT | O_RDWR, 0o600)
                ftruncate(descriptor, off_t(size))
                for place in places {
                    let bytes = LocalCluster.noise(Int(min(70_000, size - place)), seed: place)
                    pwrite(descriptor, bytes, bytes.count, off_t(place))
                }
                close(descriptor)
                content[name] = try Data(contentsOf: URL(fileURLWithPath: path))
            }
            try files.createSymbolicLink(atPath: "\(root)/sub/link", withDestinationPath: "deep/plain")
            try files.createSymbolicLink(atPath: "\(root)/dangling", withDestinationPath: "nowhere")
            for (place, name) in ["sub/deep/plain", "sub/user", "sub/link", "dangling", "holes"].enumerated() {
                age("\(root)/\(name)", 1_000_000_000 + place)
            }
            chmod("\(root)/sub/deep", 0o711)
            chmod("\(root)/sub", 0o1777)
            for (place, name) in ["sub/deep", "sub", ""].enumerated() { age("\(root)/\(name)", 900_000_000 + place) }
            return content
        }

        @Test(arguments: ["nfs", "volume"]) func timesModesAndHolesComeBack(_ kind: String) throws {
            let cluster = try LocalCluster(regions: ["a"])
            defer { cluster.end() }
            #expect(cluster.run([kind, "create", "data"]).status == 0)
            let root = cluster.folder.appendingPathComponent("tree").path
            let content = try makeTree(root)
            let put = cluster.run([kind, "put", "data", root, "/tree"])
            #expect(put.status == 0, "\(put)")
            let copy = cluster.folder.appendingPathComponent("copy").path
            let get = cluster.run([kind, "get", "data", "/tree", copy])
            #expect(get.status == 0 && get.errors == "", "\(get)")
            for (name, data) in content {
                #expect(try Data(contentsOf: URL(fileURLWithPath: "\(copy)/\(name)")) == data, "\(name)")
            }
            let names = ["", "sub", "sub/deep", "sub/deep/plain", "sub/user", "sub/group", "sub/link", "dangling", "holes", "hole", "late"]
            // Who is not root stores nothing of his own there: set-id bits are of another user, and not kept.
            for name in names where geteuid() == 0 || !["sub/user", "sub/group"].contains(name) {
                #expect(Meta("\(root)/\(name)") == Meta("\(copy)/\(name)"), "\(name)")
            }
            for (name, most) in [("holes", 1 << 20), ("hole", 64 << 10), ("late", 64 << 10)] {
                #expect(blocks("\(copy)/\(name)") <= most, "\(name) takes \(blocks("\(copy)/\(name)")) bytes")
            }
            // What has holes there is stored without them: it takes little room.
            let again = cluster.run([kind, "put", "-f", "data", "\(root)/holes", "/other"].filter { kind == "volume" || $0 != "-f" })
            #expect(again.status == 0, "\(again)")
            #expect(cluster.run([kind, "get", "data", "/other", "-"]).status == 0)
            // Into a directory that is there: it keeps its own time, and what comes into it has its own.
            let target = cluster.folder.appendingPathComponent("target").path
            try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
            chmod(target, 0o750)
            #expect(cluster.run([kind, "get", "data", "/tree/sub", target]).status == 0)
            #expect(Meta("\(target)/sub") == Meta("\(root)/sub"))
            #expect(Meta(target).mode & 0o777 == 0o750)
        }

        @Test func extendedAttributesComeBack() throws {
            let cluster = try LocalCluster(regions: ["a"])
            defer { cluster.end() }
            let root = cluster.folder.appendingPathComponent("tree").path
            try FileManager.default.createDirectory(atPath: root + "/d", withIntermediateDirectories: true)
            try Data("x".utf8).write(to: URL(fileURLWithPath: root + "/d/f"))
            func set(_ path: String, _ value: String) -> Bool {
                LocalCluster.tool([
                    "/usr/bin/env", "python3", "-c", "import os,sys; os.setxattr(sys.argv[1], 'user.note', sys.argv[2].encode())", path,
                    value,
                ])
                .status == 0
            }
            func get(_ path: String) -> String {
                LocalCluster.tool([
                    "/usr/bin/env", "python3", "-c", "import os,sys; print(os.getxattr(sys.argv[1], 'user.note').decode(), end='')", path,
                ]).output
            }
            guard set(root + "/d/f", "of the file"), set(root + "/d", "of the directory") else { return }
            for kind in ["nfs", "volume"] {
                #expect(cluster.run([kind, "create", kind]).status == 0)
                let put = cluster.run([kind, "put", kind, root, "/t"])
                #expect(put.status == 0, "\(put)")
                let copy = cluster.folder.appendingPathComponent("copy-\(kind)").path
                #expect(cluster.run([kind, "get", kind, "/t", copy]).status == 0)
                #expect(get(copy + "/d/f") == "of the file" && get(copy + "/d") == "of the directory", "\(kind)")
            }
        }

        @Test func aGlobTakesDirectoriesWithWhatIsInThem() throws {
            let cluster = try LocalCluster(regions: ["a"])
            defer { cluster.end() }
            #expect(cluster.run(["nfs", "create", "share"]).status == 0)
            for (name, text) in [("logs/1/x", "1x"), ("logs/1/y/z", "1yz"), ("logs/2.txt", "2"), ("logs/3.txt", "3"), ("other/4", "4")] {
                #expect(cluster.run(["nfs", "put", "share", "-", "/\(name)"], input: Data(text.utf8)).status == 0)
            }
            let out = cluster.folder.appendingPathComponent("out").path
            let get = cluster.run(["nfs", "get", "share", "/logs/*", out])
            #expect(get.status == 0 && get.output.contains("4 files"), "\(get)")
            for (name, text) in [("1/x", "1x"), ("1/y/z", "1yz"), ("2.txt", "2"), ("3.txt", "3")] {
                #expect((try? String(contentsOfFile: "\(out)/\(name)", encoding: .utf8)) == text, "\(name)")
            }
            let some = cluster.folder.appendingPathComponent("some").path
            #expect(cluster.run(["nfs", "get", "share", "/l*/1", some]).status == 0)
            #expect(
                FileManager.default.fileExists(atPath: some + "/logs/1/y/z")
                    && !FileManager.default.fileExists(atPath: some + "/logs/2.txt"))
            // To the standard output: one behind the other, by path; directories are left to those who name one.
            #expect(cluster.run(["nfs", "get", "share", "/logs/*.txt", "-"]).output == "23")
            #expect(cluster.run(["nfs", "get", "share", "/logs/**", "-"]).output == "1x1yz23")
            let none = cluster.run(["nfs", "get", "share", "/nothing*", "-"])
            #expect(none.status == 1 && none.errors == "atoll: nfs get nfs/share:/nothing*: nothing matches\n", "\(none)")
        }
    }
}

extension LocalCluster {
    /// Another program, for what Swift's Glibc does not show.
    static func tool(_ words: [String]) -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: words[0])
        process.arguments = Array(words.dropFirst())
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return (-1, "") }
        let data = (try? pipe.fileHandleForReading.readToEnd()) ?? nil
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data ?? Data(), as: UTF8.self))
    }
}
