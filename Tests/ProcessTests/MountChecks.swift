import CLinux
import Foundation
import Testing

/// What POSIX says of files, tried in a directory through the system calls themselves.
struct MountChecks {
    let root: String
    func at(_ name: String) -> String { root + "/" + name }

    func status(_ name: String) -> stat? {
        var found = stat()
        return lstat(at(name), &found) == 0 ? found : nil
    }

    func make(_ name: String, _ text: String) throws {
        try #require(FileManager.default.createFile(atPath: at(name), contents: Data(text.utf8)))
    }
    func text(_ name: String) -> String? { FileManager.default.contents(atPath: at(name)).map { String(decoding: $0, as: UTF8.self) } }

    func refused(_ expected: Int32, _ what: Comment, _ body: () -> Int32) {
        let result = body()
        #expect(result < 0 && errno == expected, "\(what): \(result < 0 ? String(cString: strerror(errno)) : "done")")
    }

    private func bytes(_ file: Int32, _ offset: Int, _ count: Int) -> [UInt8] {
        var buffer = [UInt8](repeating: 1, count: count)
        let got = pread(file, &buffer, count, off_t(offset))
        return Array(buffer.prefix(max(0, got)))
    }

    func content() throws {
        let noise = [UInt8](LocalCluster.noise(2_500_017, seed: 3))
        try #require(FileManager.default.createFile(atPath: at("big"), contents: Data(noise)))
        #expect(FileManager.default.contents(atPath: at("big")) == Data(noise))
        let file = open(at("big"), O_RDWR)
        try #require(file >= 0)
        defer { close(file) }
        // What was written and not yet flushed is read, by this descriptor and by another.
        #expect(pwrite(file, "HERE", 4, 1 << 20) == 4)
        #expect(bytes(file, (1 << 20) - 1, 6) == [noise[(1 << 20) - 1]] + Array("HERE".utf8) + [noise[(1 << 20) + 4]])
        let other = open(at("big"), O_RDONLY)
        #expect(bytes(other, 1 << 20, 4) == Array("HERE".utf8))
        close(other)
        #expect(pwrite(file, "end", 3, 4_000_000) == 3)
        #expect(status("big")?.st_size == 4_000_003)
        #expect(bytes(file, 3_000_000, 3) == [0, 0, 0])
        #expect(ftruncate(file, 100) == 0 && status("big")?.st_size == 100)
        #expect(fsync(file) == 0)
        let append = open(at("big"), O_WRONLY | O_APPEND)
        #expect(Glibc.write(append, "more", 4) == 4)
        close(append)
        #expect(status("big")?.st_size == 104)

        let shared = open(at("mapped"), O_RDWR | O_CREAT, 0o600)
        #expect(ftruncate(shared, 8_192) == 0)
        let map = try #require(mmap(nil, 8_192, PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0))
        try #require(map != MAP_FAILED)
        map.advanced(by: 5_000).copyMemory(from: "mapped", byteCount: 6)
        #expect(msync(map, 8_192, Int32(MS_SYNC)) == 0)
        #expect(bytes(shared, 5_000, 6) == Array("mapped".utf8))
        munmap(map, 8_192)
        close(shared)
        #expect(FileManager.default.contents(atPath: at("mapped"))?[5_000..<5_006] == Data("mapped".utf8))
    }

    func attributes() throws {
        try make("a", "x")
        let exact = [timespec(tv_sec: 1_234_567_890, tv_nsec: 123_456_789), timespec(tv_sec: 4_000_000_000, tv_nsec: 987_654_321)]
        #expect(utimensat(AT_FDCWD, at("a"), exact, 0) == 0)
        let then = try #require(status("a"))
        #expect(then.st_atim.tv_sec == 1_234_567_890 && then.st_mtim.tv_sec == 4_000_000_000 && then.st_mtim.tv_nsec == 987_654_321)
        // A time that is set while the file is open and written stays.
        let file = open(at("timed"), O_RDWR | O_CREAT, 0o640)
        #expect(Glibc.write(file, "abc", 3) == 3 && futimens(file, exact) == 0)
        close(file)
        #expect(status("timed")?.st_mtim.tv_nsec == 987_654_321)
        let before = [timespec(tv_sec: -2, tv_nsec: 500_000_000), timespec(tv_sec: -2, tv_nsec: 500_000_000)]
        #expect(utimensat(AT_FDCWD, at("a"), before, 0) == 0 && status("a")?.st_mtim.tv_sec == -2)
        #expect(chmod(at("a"), 0o4751) == 0 && chown(at("timed"), 12, 34) == 0)
        #expect(status("a").map { $0.st_mode & 0o7777 } == 0o4751)
        #expect(status("timed").map { [$0.st_uid, $0.st_gid] } == [12, 34])
        var value = [UInt8](repeating: 0, count: 16)
        let sets = setxattr(at("a"), "user.k", "v\u{0}w", 3, 0) == 0
        #expect(sets && getxattr(at("a"), "user.k", &value, 16) == 3 && value[0..<3] == [118, 0, 119])
        refused(EEXIST, "setxattr, create") { setxattr(at("a"), "user.k", "z", 1, 1) }
        #expect(removexattr(at("a"), "user.k") == 0)
        refused(ENODATA, "getxattr") { Int32(getxattr(at("a"), "user.k", &value, 16)) }
        refused(EOPNOTSUPP, "an ACL") { setxattr(at("a"), "system.posix_acl_access", [2, 0, 0, 0] as [UInt8], 4, 0) }
        #expect(mkfifo(at("pipe"), 0o600) == 0 && status("pipe").map { $0.st_mode & S_IFMT } == S_IFIFO)
        #expect(mknod(at("node"), S_IFCHR | 0o600, 5 << 8 | 3) == 0 && status("node")?.st_rdev == 5 << 8 | 3)
        var room = statvfs()
        #expect(statvfs(root, &room) == 0 && room.f_namemax == 255 && room.f_bavail > 0)
    }

    func names() throws {
        try make("n1", "one")
        try make("n2", "two")
        #expect(link(at("n1"), at("hard")) == 0 && status("n1")?.st_nlink == 2 && status("hard")?.st_ino == status("n1")?.st_ino)
        refused(EEXIST, "link") { link(at("n1"), at("n2")) }
        #expect(symlink("../x", at("soft")) == 0 && status("soft")?.st_size == 4)
        #expect(rename(at("n1"), at("n2")) == 0 && text("n2") == "one" && status("n1") == nil)
        try make("n1", "three")
        refused(EEXIST, "rename without replacing") { atoll_rename(at("n1"), at("n2"), 1) }
        #expect(atoll_rename(at("n1"), at("n2"), 2) == 0 && text("n1") == "one" && text("n2") == "three")
        #expect(mkdir(at("d"), 0o755) == 0 && mkdir(at("d/e"), 0o755) == 0)
        refused(ENOTEMPTY, "rmdir") { rmdir(at("d")) }
        refused(EINVAL, "a directory into itself") { rename(at("d"), at("d/e/f")) }
        refused(EISDIR, "unlink of a directory") { unlink(at("d")) }
        refused(ENOTDIR, "rmdir of a file") { rmdir(at("n1")) }
        refused(ENOENT, "nothing there") { open(at("none"), O_RDONLY) }
        refused(ENOTDIR, "below a file") { open(at("n1/x"), O_RDONLY) }
        refused(EEXIST, "O_EXCL") { open(at("n1"), O_CREAT | O_EXCL | O_RDWR, 0o600) }
        refused(ENAMETOOLONG, "256 bytes") { mkdir(at(String(repeating: "n", count: 256)), 0o755) }
        let odd = at("\u{1}|\\ \n") + "\u{ff}"
        #expect(mkdir(odd, 0o755) == 0 && rmdir(odd) == 0)
        #expect(rename(at("d/e"), at("moved")) == 0 && rmdir(at("d")) == 0 && rmdir(at("moved")) == 0)
    }

    /// Files that are removed or replaced while they are open.
    func removedWhileOpen() async throws {
        try make("gone", "alive")
        let file = open(at("gone"), O_RDWR)
        #expect(unlink(at("gone")) == 0 && status("gone") == nil)
        #expect(bytes(file, 0, 9) == Array("alive".utf8) && pwrite(file, "!", 1, 5) == 1 && bytes(file, 0, 9) == Array("alive!".utf8))
        var descriptor = stat()
        #expect(fstat(file, &descriptor) == 0 && descriptor.st_nlink == 0)
        close(file)
        try make("old", "old")
        try make("new", "new")
        let reader = open(at("old"), O_RDONLY)
        #expect(rename(at("new"), at("old")) == 0 && bytes(reader, 0, 9) == Array("old".utf8) && text("old") == "new")
        close(reader)
        // The kernel tells of the last close by itself.
        let left = await LocalCluster.eventually(within: 10) {
            !(try FileManager.default.contentsOfDirectory(atPath: root).contains { $0.hasPrefix(".atoll-") })
        }
        #expect(left)
    }

    /// Entries that are there all along are listed once, whatever happens to the others meanwhile.
    func listing() throws {
        #expect(mkdir(at("many"), 0o755) == 0)
        let names = (0..<700).map { "entry-\($0)" }
        for name in names { try #require(symlink("x", at("many/" + name)) == 0) }
        let stream = try #require(opendir(at("many")))
        var seen: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name == "." || name == ".." { continue }
            seen.append(name)
            if seen.count % 3 == 0 { unlink(at("many/" + name)) }
        }
        closedir(stream)
        #expect(seen.sorted() == names.sorted())
        let left = try FileManager.default.contentsOfDirectory(atPath: at("many"))
        #expect(left.count == names.count - names.count / 3)
    }

    func holes() throws {
        let file = open(at("holes"), O_RDWR | O_CREAT, 0o600)
        defer { close(file) }
        let full = [UInt8](repeating: 7, count: 300_000)
        #expect(Glibc.write(file, full, full.count) == full.count)
        let (keepSize, punch): (Int32, Int32) = (1, 2)
        #expect(atoll_fallocate(file, keepSize | punch, 50_000, 100_000) == 0)
        #expect(bytes(file, 49_999, 3) == [7, 0, 0] && bytes(file, 149_999, 2) == [0, 7] && status("holes")?.st_size == 300_000)
        // SEEK_DATA and SEEK_HOLE.
        #expect(lseek(file, 60_000, 3) >= 140_000 && lseek(file, 0, 4) <= 60_000 && lseek(file, 200_000, 4) == 300_000)
        refused(ENXIO, "lseek behind the end") { Int32(truncatingIfNeeded: lseek(file, 400_000, 3)) }
        #expect(posix_fallocate(file, 0, 310_000) == 0 && status("holes")?.st_size == 310_000)
    }
}
