import CLinux
import Foundation
import Testing

extension Processes {
    /// Real mounts of the kernel, of both kinds. Where this machine can not mount they are skipped, with the reason.
    @Suite(.serialized, .enabled(if: LiveMount.obstacle.isEmpty, "mounts can not be had here: \(LiveMount.obstacle)"))
    struct MountTests {
        @Test func filesOfBothKinds() async throws {
            let cluster = try LocalCluster(regions: ["a", "b", "c"])
            defer { cluster.end() }
            #expect(cluster.run(["nfs", "create", "share", "--primary", "a"]).status == 0)
            #expect(cluster.run(["volume", "create", "data"]).status == 0)
            for (source, point) in [("nfs/share", "n"), ("volume/data", "v")] {
                let mount = try LiveMount(cluster, source, at: point)
                defer { mount.end() }
                let checks = MountChecks(root: mount.path)
                try checks.content()
                try checks.attributes()
                try checks.names()
                try await checks.removedWhileOpen()
                try checks.listing()
                try checks.holes()
                try roundTrips(mount)
                try programs(mount)
                let end = mount.unmount()
                #expect(end.status == 0, "\(source): \(end)")
                #expect(mount.process == nil)
            }
        }

        /// `cp -a` and `tar` keep everything that a tree tells of itself.
        private func roundTrips(_ mount: LiveMount) throws {
            let source = mount.cluster.folder.appendingPathComponent("tree").path
            if mkdir(source, 0o755) == 0 {
                let line = """
                    set -e; mkdir -p a/b; for n in 1 2 3; do head -c $((n * 40000)) /dev/urandom > a/f$n; done
                    ln a/f1 a/b/hard; ln -s ../f2 a/b/soft; mkfifo a/pipe; truncate -s 2M a/hole; chmod 4750 a/f2; chown 3:4 a/f3
                    touch -d '2001-02-03 04:05:06.789012345' a/f1 a/hole; touch -d '1999-01-01' a/b a; : > 'odd | name'
                    """
                let made = LiveMount.shell(line, in: source)
                try #require(made.status == 0, "\(made.output)")
                if LiveMount.has("setfattr") { #expect(LiveMount.shell("setfattr -n user.k -v value a/f1", in: source).status == 0) }
            }
            let picture = TreePicture.of(source)
            #expect(picture.count > 9)
            let copied = LiveMount.shell("cp -a '\(source)' '\(mount.at("copy"))'")
            #expect(copied.status == 0, "\(copied.output)")
            #expect(TreePicture.of(mount.at("copy")) == picture)
            let packed = LiveMount.shell(
                "mkdir tar && tar --xattrs --sparse -C '\(source)' -cf - . | tar --xattrs -C tar -xpf -", in: mount.path)
            #expect(packed.status == 0, "\(packed.output)")
            #expect(TreePicture.of(mount.at("tar")) == picture)
        }

        /// Programs that know nothing of it.
        private func programs(_ mount: LiveMount) throws {
            let isVolume = mount.path.hasSuffix("v")
            if LiveMount.has("git") {
                let repository = mount.cluster.folder.appendingPathComponent("repository").path
                let line = """
                    set -e; git init -q '\(repository)'; cd '\(repository)'; for n in 1 2 3 4 5 6; do echo $n > file$n; done; git add -A
                    git -c user.name=a -c user.email=a@b commit -qm one
                    """
                if !FileManager.default.fileExists(atPath: repository) { #expect(LiveMount.shell(line).status == 0) }
                let cloned = LiveMount.shell(
                    "git clone -q '\(repository)' clone && cd clone && git fsck && git status --short", in: mount.path)
                #expect(cloned.status == 0 && cloned.output.isEmpty, "\(cloned.output)")
            } else {
                print("git is not here: cloning is not tried")
            }
            guard LiveMount.has("sqlite3") else { return print("sqlite3 is not here: it is not tried") }
            let made = LiveMount.shell(
                "sqlite3 db 'create table t(x); insert into t values (40), (2); select sum(x) from t;'", in: mount.path)
            if isVolume {
                // It wants locks that hold between hosts, which a volume does not have, and does not pretend to.
                #expect(made.status != 0, "\(made.output)")
            } else {
                #expect(made.output == "42\n", "\(made.output)")
            }
        }

        // MARK: What the contract says (contract.md §2)

        @Test func promisesOfBothKinds() async throws {
            let cluster = try LocalCluster(regions: ["a", "b", "c"])
            defer { cluster.end() }
            #expect(cluster.run(["nfs", "create", "share", "--primary", "a"]).status == 0)
            #expect(cluster.run(["volume", "create", "data"]).status == 0)
            try await closeToOpen(cluster)
            try await unreachable(cluster)
            try await versions(cluster)
            try await ends(cluster)
            try mistakes(cluster)
        }

        /// A network file system: whoever opens a file after it was closed elsewhere sees what was written; locks hold.
        private func closeToOpen(_ cluster: LocalCluster) async throws {
            let home = try LiveMount(cluster, "nfs/share", at: "home", ["--region", "a"])
            defer { home.end() }
            let far = try LiveMount(cluster, "nfs/share", at: "far", ["--region", "b"])
            defer { far.end() }
            #expect(far.mounted.errors.contains("'share' lives in a"), "\(far.mounted)")
            #expect(far.text("new") == nil)
            try home.write("new", "first")
            // What is missing is asked for each time; what was read is asked for at the open, its size too.
            #expect(far.text("new") == "first")
            try home.write("new", "second, and longer")
            #expect(far.text("new") == "second, and longer")
            try far.write("new", "3")
            #expect(home.text("new") == "3")

            let (one, other) = (open(home.at("new"), O_RDWR), open(far.at("new"), O_RDWR))
            defer { close(one) }
            #expect(flock(one, LOCK_EX) == 0)
            #expect(flock(other, LOCK_EX | LOCK_NB) == -1 && errno == EAGAIN)
            // The lock of a host whose mount is killed ends with it; that of a file that is closed, at once.
            #expect(flock(one, LOCK_UN) == 0)
            #expect(flock(other, LOCK_EX | LOCK_NB) == 0)
            close(other)
            let isFree = await LocalCluster.eventually(within: 10) { flock(one, LOCK_EX | LOCK_NB) == 0 }
            #expect(isFree)
            #expect(flock(one, LOCK_UN) == 0)
            if LiveMount.has("sqlite3") {
                #expect(LiveMount.shell("sqlite3 db 'create table t(x); insert into t values (1)'", in: home.path).status == 0)
                #expect(LiveMount.shell("sqlite3 db 'insert into t values (2); select sum(x) from t'", in: far.path).output == "3\n")
                #expect(LiveMount.shell("sqlite3 db 'insert into t values (4); select sum(x) from t'", in: home.path).output == "7\n")
            }
        }

        /// The home region is cut off: programs wait, and can be ended, or fail, as the mount was told; and all goes on afterwards.
        private func unreachable(_ cluster: LocalCluster) async throws {
            let patient = try LiveMount(
                cluster, "nfs/share", at: "patient", ["--region", "b", "--on-unreachable", "block", "--attribute-cache", "0"])
            defer { patient.end() }
            let brief = try LiveMount(
                cluster, "nfs/share", at: "brief",
                ["--region", "b", "--on-unreachable", "fail", "--timeout", "1", "--attribute-cache", "0"])
            defer { brief.end() }
            #expect(cluster.run(["fault", "isolate", "a"]).status == 0)
            #expect(open(brief.at("new"), O_RDONLY) == -1 && errno == ETIMEDOUT, "\(String(cString: strerror(errno)))")
            // `timeout` sends a signal; a program that can not be ended would hold it up until the region is back.
            let began = ContinuousClock.now
            #expect(LiveMount.shell("timeout 1 cat '\(patient.at("new"))'").status == 124)
            #expect(ContinuousClock.now - began < .seconds(30))
            let file = patient.at("new")
            let waiting = Task.detached { LiveMount.shell("cat '\(file)'") }
            #expect(brief.unmount().status == 0)
            #expect(cluster.run(["fault", "heal"]).status == 0)
            #expect(await waiting.value.output == "3")
        }

        /// A volume: a snapshot, staged writes, commits; past versions, read-only mounts, directories of it.
        private func versions(_ cluster: LocalCluster) async throws {
            let writer = try LiveMount(cluster, "volume/data", at: "writer", ["--region", "a", "--commit-every", "0"])
            defer { writer.end() }
            let reader = try LiveMount(cluster, "volume/data", at: "reader", ["--region", "b"])
            defer { reader.end() }
            #expect(mkdir(writer.at("dir"), 0o755) == 0)
            try writer.write("dir/file", "one")
            var before = stat()
            #expect(lstat(writer.at("dir/file"), &before) == 0)
            #expect(cluster.run(["volume", "ls", "data", "--region", "a"]).output == "")
            let synced = LiveMount.shell("sync '\(writer.path)'")
            #expect(synced.status == 0, "\(synced.output)")
            #expect(cluster.run(["volume", "ls", "data", "/dir", "--region", "a"]).output.contains("file"))
            // A commit gives new objects the volume's numbers; programs go on to see the first.
            var after = stat()
            #expect(lstat(writer.at("dir/file"), &after) == 0 && after.st_ino == before.st_ino)
            try writer.write("dir/file", "one and two")
            #expect(rename(writer.at("dir/file"), writer.at("dir/moved")) == 0)
            #expect(cluster.run(["volume", "commit", writer.path]).status == 0)

            // The reader has its snapshot until it reloads, and open files keep theirs beyond that.
            #expect(reader.text("dir/moved") == nil)
            let locally = await LocalCluster.eventually(within: 20) {
                cluster.run(["volume", "reload", reader.path]).status == 0 && reader.text("dir/moved") == "one and two"
            }
            #expect(locally)
            let kept = open(reader.at("dir/moved"), O_RDONLY)
            defer { close(kept) }
            try writer.write("dir/moved", "three")
            #expect(cluster.run(["volume", "commit", writer.path + "/"]).status == 0)
            #expect(cluster.run(["volume", "reload", reader.path]).status == 0)
            #expect(reader.text("dir/moved") == "three")
            var buffer = [UInt8](repeating: 0, count: 20)
            #expect(pread(kept, &buffer, 20, 0) == 11 && buffer[0..<11].elementsEqual("one and two".utf8))
            // fstat(2) tells of what it reads.
            var readersOwn = stat()
            #expect(fstat(kept, &readersOwn) == 0 && readersOwn.st_size == 11)
            // A commit of one's own takes nothing from a reader: it goes on to see what is written here.
            let follower = open(writer.at("dir/moved"), O_RDONLY)
            defer { close(follower) }
            #expect(pread(follower, &buffer, 20, 0) == 5)
            try writer.write("other", "x")
            #expect(cluster.run(["volume", "commit", writer.path]).status == 0)
            #expect(LiveMount.shell("printf ' and four' >> dir/moved", in: writer.path).status == 0)
            #expect(pread(follower, &buffer, 20, 0) == 14 && buffer[0..<14].elementsEqual("three and four".utf8))
            // Without being told, every few seconds.
            try reader.write("by itself", "x")
            let isCommitted = await LocalCluster.eventually(within: 20) {
                cluster.run(["volume", "ls", "data"]).output.contains("by itself")
            }
            #expect(isCommitted)

            let past = try LiveMount(cluster, "volume/data", at: "past", ["--at", "1"])
            defer { past.end() }
            #expect(past.text("dir/file") == "one" && past.text("dir/moved") == nil)
            #expect(open(past.at("x"), O_CREAT | O_RDWR, 0o600) == -1 && errno == EROFS)
            let part = try LiveMount(cluster, "volume/data", at: "part", ["--sub-path", "dir", "--read-only"])
            defer { part.end() }
            #expect(part.text("moved") == "three")
            #expect(unlink(part.at("moved")) == -1 && errno == EROFS)
        }

        /// Kills, signals, and programs that are in the way.
        private func ends(_ cluster: LocalCluster) async throws {
            let killed = try LiveMount(cluster, "volume/data", at: "killed", ["--commit-every", "0"])
            defer { killed.end() }
            try killed.write("staged", "not committed")
            kill(try #require(killed.process), SIGKILL)
            let isStale = await LocalCluster.eventually(within: 10) { FileManager.default.contents(atPath: killed.at("staged")) == nil }
            #expect(isStale)
            let again = try LiveMount(cluster, "volume/data", at: "killed", ["--commit-every", "0"])
            #expect(again.mounted.errors.contains("took away a stale mount of volume/data"), "\(again.mounted)")
            #expect(again.mounted.errors.contains("takes up"), "\(again.mounted)")
            #expect(again.text("staged") == "not committed")
            let busy = open(again.at("staged"), O_RDONLY)
            let refused = again.unmount()
            #expect(refused.status == 1 && refused.errors.contains("busy"), "\(refused)")
            close(busy)
            #expect(again.unmount().status == 0)
            #expect(cluster.run(["volume", "ls", "data"]).output.contains("staged"))
            let dead = try LiveMount(cluster, "nfs/share", at: "killed")
            kill(try #require(dead.process), SIGKILL)
            let cleaned = dead.unmount()
            #expect(cleaned.status == 0 && cleaned.errors.contains("took away a stale mount"), "\(cleaned)")

            let front = try RunningCommand(
                ["mount", "volume/data", killed.path, "--foreground"], cluster: cluster.directory, in: cluster.folder)
            defer { front.signal(SIGKILL) }
            let serves = await LocalCluster.eventually(within: 20) { FileManager.default.fileExists(atPath: killed.at("staged")) }
            #expect(serves, "\(front.output)")
            try killed.write("at the end", "x")
            front.signal(SIGINT)
            #expect(await front.ends(within: 20) && front.process.terminationStatus == 0, "\(front.output)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: killed.path).isEmpty)
            #expect(cluster.run(["volume", "ls", "data"]).output.contains("at the end"))
        }

        private func mistakes(_ cluster: LocalCluster) throws {
            let folder = cluster.folder.path
            #expect(mkdir(folder + "/empty", 0o755) == 0 && mkdir(folder + "/full", 0o755) == 0 && mkdir(folder + "/full/x", 0o755) == 0)
            let cases: [(words: [String], status: Int32, says: String)] = [
                (["volume/data", folder + "/missing"], 1, "make it: mkdir -p"), (["volume/data", folder + "/full"], 1, "it is not empty"),
                (["volume/data", folder + "/cluster/cluster.json"], 1, "it is no directory"),
                (["volume/none", folder + "/empty"], 1, "there is no such volume"), (["nfs/data", folder + "/empty"], 1, "it is a volume"),
                (["disk/data", folder + "/empty"], 2, "volume/NAME or nfs/NAME"),
                (["data", folder + "/empty"], 2, "volume/NAME or nfs/NAME"),
                (["volume/data", folder + "/empty", "--region", "mars"], 1, "there is no such region"),
                (["volume/data", folder + "/empty", "--at", "999"], 1, "is not kept"),
                (["nfs/share", folder + "/empty", "--at", "1"], 2, "for volumes"),
                (["volume/data", folder + "/empty", "--sub-path", "nowhere"], 1, "no such entry"),
                (["nfs/share", folder + "/empty", "--region", "b", "--require-local"], 1, "it lives in a"),
                (["volume/data", folder + "/empty", "--timeout", "3"], 2, "--on-unreachable fail"),
            ]
            for (words, status, says) in cases {
                let result = cluster.run(["mount"] + words)
                #expect(result.status == status && result.errors.contains(says), "\(words): \(result)")
                #expect(result.errors.split(separator: "\n").count == 1, "\(words): \(result)")
            }
            for (point, says) in [(folder + "/empty", "nothing is mounted there"), ("/proc", "not this program's")] {
                let result = cluster.run(["unmount", point])
                #expect(result.status == 1 && result.errors.contains(says), "\(result)")
            }
            #expect(LiveMount.shell("grep -c '\(folder)/empty' /proc/mounts").output == "0\n")
        }
    }
}
