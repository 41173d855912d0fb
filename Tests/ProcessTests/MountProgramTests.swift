import CLinux
import Foundation
import Testing

extension Processes {
    /// Programs that people use, unchanged, on both kinds. One that is not installed is named and left out.
    @Suite(.serialized, .enabled(if: LiveMount.obstacle.isEmpty, "mounts can not be had here: \(LiveMount.obstacle)"))
    struct MountProgramTests {
        @Test func programs() async throws {
            let cluster = try LocalCluster(regions: ["a", "b", "c"])
            defer { cluster.end() }
            #expect(cluster.run(["nfs", "create", "share", "--primary", "a"]).status == 0)
            #expect(cluster.run(["volume", "create", "data"]).status == 0)
            for source in ["nfs/share", "volume/data"] {
                let mount = try LiveMount(cluster, source, at: source.replacingOccurrences(of: "/", with: "-"), ["--region", "a"])
                defer { mount.end() }
                let isVolume = source.hasPrefix("volume")
                try shelves(mount, isVolume: isVolume)
                try checkpoints(mount)
                try trees(mount)
                try builds(mount)
                let end = mount.unmount()
                #expect(end.status == 0, "\(source): \(end)")
            }
            try await episodes(cluster)
        }

        private func isHere(_ program: String, _ what: String) -> Bool {
            if LiveMount.has(program) { return true }
            print("\(program) is not here: \(what) is not tried")
            return false
        }

        private func runs(_ line: String, in mount: LiveMount, _ expected: String? = nil, _ location: SourceLocation = #_sourceLocation) {
            let result = LiveMount.shell(line, in: mount.path)
            #expect(result.status == 0, "\(mount.path): \(line): \(result.output)", sourceLocation: location)
            if let expected { #expect(result.output == expected, "\(mount.path): \(line)", sourceLocation: location) }
        }

        /// The cache of the guides. gdbm takes a lock of the whole file, which a volume refuses; SQLite takes those of ranges.
        private func shelves(_ mount: LiveMount, isVolume: Bool) throws {
            guard isHere("python3", "shelve") else { return }
            for back in ["dumb", "gnu", "sqlite3"] {
                guard LiveMount.shell("python3 -c 'import dbm.\(back)'").status == 0 else {
                    print("dbm.\(back) is not here: shelve on it is not tried")
                    continue
                }
                let script = """
                    import shelve, dbm, dbm.\(back)
                    dbm._defaultmod = dbm._modules["dbm.\(back)"] = dbm.\(back)
                    with shelve.open("shelve-\(back)") as cache:
                        print(cache.get("key"))
                        cache["key"] = {"value": 42}
                    with shelve.open("shelve-\(back)", flag="r") as cache: print(cache.get("key"))
                    """
                try Data(script.utf8).write(to: mount.cluster.folder.appendingPathComponent("cache-user.py"))
                let result = LiveMount.shell("python3 '\(mount.cluster.folder.path)/cache-user.py'", in: mount.path)
                if isVolume, back != "dumb" {
                    #expect(result.status != 0, "\(back): a lock that holds nowhere else was granted: \(result.output)")
                } else {
                    #expect(result.status == 0 && result.output == "None\n{'value': 42}\n", "\(back): \(result.output)")
                }
            }
        }

        /// A writer that is killed at some moment leaves the old checkpoint or the new one, whole.
        private func checkpoints(_ mount: LiveMount) throws {
            let writer = """
                n=0; while :; do n=$((n + 1)); head -c 300000 /dev/zero | tr '\\0' "$(printf '\\%o' $((65 + n % 26)))" > model.tmp
                sync model.tmp; mv model.tmp model; done
                """
            for delay in ["0.31", "0.52", "0.77"] {
                _ = LiveMount.shell(
                    "timeout -s KILL \(delay) /bin/sh -c '\(writer.replacingOccurrences(of: "'", with: "'\\''"))'", in: mount.path)
                let model = FileManager.default.contents(atPath: mount.at("model")) ?? Data()
                if model.isEmpty, !FileManager.default.fileExists(atPath: mount.at("model")) { continue }
                #expect(model.count == 300_000 && Set(model).count == 1, "\(mount.path): a torn checkpoint of \(model.count) bytes")
            }
            #expect(FileManager.default.fileExists(atPath: mount.at("model")))
        }

        /// A tree there and back, bit for bit.
        private func trees(_ mount: LiveMount) throws {
            guard isHere("rsync", "a round trip with it") else { return }
            let (source, back) = (
                mount.cluster.folder.path + "/tree", mount.cluster.folder.path + "/back-" + (mount.path as NSString).lastPathComponent
            )
            if !FileManager.default.fileExists(atPath: source) {
                let made = LiveMount.shell(
                    "mkdir -p '\(source)/d/e' && cd '\(source)' && head -c 700000 /dev/urandom > d/f && ln d/f d/e/hard && ln -s ../f d/e/soft && "
                        + "truncate -s 1M d/hole && chmod 2751 d/e && find . -depth -exec touch -h -d 2003-04-05T06:07:08.9 {} +")
                try #require(made.status == 0, "\(made.output)")
            }
            runs("rsync -aHX '\(source)/' rsynced/ && rsync -aHX rsynced/ '\(back)/'", in: mount)
            #expect(TreePicture.of(mount.at("rsynced")) == TreePicture.of(source) && TreePicture.of(back) == TreePicture.of(source))
            runs("rsync -aHXin '\(source)/' rsynced/", in: mount, "")
        }

        private func builds(_ mount: LiveMount) throws {
            if isHere("gcc", "a build") {
                runs(
                    "printf '#include <stdio.h>\\nint main(void) { puts(\"built\"); }\\n' > main.c && gcc -g -O1 -c main.c && gcc -o main main.o && ./main",
                    in: mount, "built\n")
            }
            if isHere("git", "commits and a collection") {
                runs(
                    "git init -q repository && cd repository && for n in 1 2 3 4 5; do echo $n > f$n; git add f$n; "
                        + "git -c user.name=a -c user.email=a@b commit -qm $n; done && git gc -q && git fsck && git log --oneline | wc -l",
                    in: mount, "5\n")
            }
        }

        /// Many write files of their own, one waits for each to appear: a missing name is not believed for long.
        private func episodes(_ cluster: LocalCluster) async throws {
            let writer = try LiveMount(cluster, "nfs/share", at: "writer", ["--region", "a"])
            defer { writer.end() }
            let poller = try LiveMount(cluster, "nfs/share", at: "poller", ["--region", "b"])
            defer { poller.end() }
            let waiting = Task.detached { [path = poller.path] in
                LiveMount.shell("for n in 1 2 3 4 5; do until cat episode-$n.json 2>/dev/null; do sleep 0.02; done; done", in: path)
            }
            let worked = LiveMount.shell(
                "for n in 1 2 3 4 5; do (echo done $n > .new-$n && mv .new-$n episode-$n.json) & done; wait", in: writer.path)
            #expect(worked.status == 0, "\(worked.output)")
            let result = await waiting.value
            #expect(result.output == (1...5).map { "done \($0)\n" }.joined(), "\(result)")
            try sharedDatabase(writer, poller)
        }

        /// SQLite in rollback mode from two hosts, one after the other.
        private func sharedDatabase(_ one: LiveMount, _ other: LiveMount) throws {
            guard isHere("sqlite3", "a database from two hosts") else { return }
            runs("sqlite3 shared.db 'create table t(x)'", in: one)
            for mount in [one, other, one, other] { runs("sqlite3 shared.db 'insert into t values (3)'", in: mount) }
            runs("sqlite3 shared.db 'select sum(x) from t; pragma integrity_check'", in: other, "12\nok\n")
        }
    }
}
