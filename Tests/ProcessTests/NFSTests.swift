import Filesystem
import Foundation
import Primitives
import Testing

extension Processes {
    /// libnfs's programs: a client that is not the kernel's.
    @Suite(.serialized, .enabled(if: LiveMount.has("nfs-ls"), "the package libnfs-utils is missing"))
    struct NFSLibraryTests {
        @Test func listsAndReads() throws {
            let cluster = try LocalCluster(regions: ["a"])
            defer { cluster.end() }
            #expect(cluster.run(["nfs", "create", "share", "--primary", "a"]).status == 0)
            let content = (0..<200_000).map { "\($0)\n" }.joined()
            #expect(cluster.run(["nfs", "put", "share", "-", "/folder/numbers"], input: Data(content.utf8)).status == 0)
            let port = try #require(cluster.nodes[0].nfs.split(separator: ":").last)
            func url(_ path: String) -> String { "'nfs://127.0.0.1/\(path)?version=4&nfsport=\(port)'" }
            let root = LiveMount.shell("nfs-ls \(url(""))")
            #expect(root.status == 0 && root.output.contains(" share"), "\(root.output)")
            let folder = LiveMount.shell("nfs-ls \(url("share/folder"))")
            #expect(folder.status == 0 && folder.output.contains("\(content.utf8.count) numbers"), "\(folder.output)")
            let sum = LiveMount.shell("nfs-cat \(url("share/folder/numbers")) | sha256sum")
            let expected = cluster.folder.appendingPathComponent("expected").path
            try Data(content.utf8).write(to: URL(fileURLWithPath: expected))
            #expect(sum.output == LiveMount.shell("sha256sum < '\(expected)'").output)
            let missing = LiveMount.shell("nfs-cat \(url("share/nothing"))")
            #expect(missing.status != 0)
        }
    }

    /// The kernel's own client.
    @Suite(.serialized, .enabled(if: KernelClient.obstacle.isEmpty, "no kernel client: \(KernelClient.obstacle)"))
    struct NFSKernelTests {
        @Test(arguments: ["4.2", "4.1", "4.0"]) func programsRunUnchanged(version: String) async throws {
            let cluster = try LocalCluster(regions: ["a"])
            defer { cluster.end() }
            #expect(cluster.run(["nfs", "create", "share", "--primary", "a"]).status == 0)
            let client = try KernelClient(cluster, servers: [cluster.nodes[0].nfs])
            let result = try await client.run(
                """
                mount_nfs \(version) 1 share /mnt/a; cd /mnt/a
                source=/dev/shm/source; for d in a b/c d; do mkdir -p $source/$d
                for n in $(seq 20); do head -c $((RANDOM * 2)) /dev/urandom > $source/$d/$n; done; done; cp -r $source tree
                mkdir names; echo one > names/a; ln names/a names/b; ln -s a names/c; mkfifo names/p; mv names/a names/d
                [ "$(cat names/b names/d)" = $'one\\none' ]; [ "$(readlink names/c)" = a ]; [ "$(stat -c %h names/b)" = 2 ]
                truncate -s 100000 hole; [ "$(stat -c %s hole)" = 100000 ]; printf x | dd of=hole bs=1 seek=50000 conv=notrunc status=none
                chmod 640 names/d; touch -d '2001-02-03 04:05:06.789' names/d; [ "$(stat -c '%a %Y' names/d)" = "640 981173106" ]
                head -c 5000000 /dev/urandom > big; cp big big2; echo more >> big2
                echo 3 > /proc/sys/vm/drop_caches; cmp -n 5000000 big big2; sha256sum big > $SHARED/sum
                diff -r $source tree
                for n in $(seq 300); do : > names/n$n; done; [ $(ls names | wc -l) = 304 ]; rm names/n*
                exec 7<big; rm big2; [ "$(head -c 3 <&7 | wc -c)" = 3 ]; exec 7<&-
                git init -q g; cp -r names/d tree g/; cd g; rm -f tree/p; git -c user.name=a -c user.email=b@c add -A
                git -c user.name=a -c user.email=b@c commit -qm x; git fsck --strict 2>/dev/null; cd ..; git clone -q g g2; diff -r g/tree g2/tree
                if [ \(version) = 4.2 ]; then
                    python3 -c 'import os; os.setxattr("big", "user.k", b"v"); assert os.listxattr("big") == ["user.k"]' 2>/dev/null \\
                        || ! command -v python3; fallocate -p -o 4096 -l 8192 hole; [ "$(stat -c %s hole)" = 100000 ]
                fi
                cd /; umount /mnt/a; mount_nfs \(version) 1 share /mnt/a; sha256sum -c --status <(sed 's, big, /mnt/a/big,' $SHARED/sum)
                rm -rf /mnt/a/g /mnt/a/g2 /mnt/a/tree; ls /mnt/a
                """)
            #expect(result.status == 0, "\(result.output)\(result.errors)")
            #expect(result.output.hasSuffix("big\nhole\nnames\n"), "\(result.output)")
            // The same through another front end.
            let got = cluster.folder.appendingPathComponent("got").path
            #expect(cluster.run(["nfs", "get", "share", "/big", got]).status == 0)
            let sum = LiveMount.shell("sha256sum < '\(got)'").output.prefix(64)
            #expect(try String(contentsOfFile: client.shared + "/sum", encoding: .utf8).hasPrefix(sum))
        }

        /// Locks and content between clients of different nodes; the leader is killed under them.
        @Test func twoNodesAndTheLossOfALeader() async throws {
            let cluster = try LocalCluster(regions: ["a"], nodesPerRegion: 3)
            defer { cluster.end() }
            let made = cluster.run(["nfs", "create", "share", "--primary", "a"])
            let id = try #require(made.output.firstMatch(of: /sv-\w{22}/).flatMap { FilesystemID(String($0.output)) }, "\(made)")
            let hasLeader = await LocalCluster.eventually { await cluster.leader(of: id) != nil }
            #expect(hasLeader)
            let leader = try #require(await cluster.leader(of: id))
            let others = cluster.nodes.filter { $0.name != leader.name }
            let client = try KernelClient(cluster, servers: others.map(\.nfs))
            let result = try await client.run(
                """
                mount_nfs 4.1 1 share /mnt/a; mount_nfs 4.1 2 share /mnt/b
                echo first > /mnt/a/f; [ "$(cat /mnt/b/f)" = first ]; echo second > /mnt/b/f; [ "$(cat /mnt/a/f)" = second ]
                exec 8<>/mnt/a/f 9<>/mnt/b/f
                flock -n -x 8; refused flock -n -x 9; refused flock -n -s 9
                head -c 3000000 /dev/urandom > /mnt/a/big; sync -f /mnt/a; sha256sum < /mnt/a/big > $SHARED/before
                head -c 6000000 /dev/urandom > /dev/shm/dirty; exec 7>/mnt/a/dirty; head -c 3000000 /dev/shm/dirty >&7
                : > $SHARED/ready; await killed
                tail -c 3000000 /dev/shm/dirty >&7; exec 7>&-; cmp /dev/shm/dirty /mnt/b/dirty
                echo third > /mnt/a/g; [ "$(cat /mnt/b/g)" = third ]
                sha256sum < /mnt/b/big | cmp - $SHARED/before
                refused flock -n -x 9; flock -u 8; flock -w 60 -x 9; refused flock -n -x 8
                """
            ) {
                #expect(await client.made("ready"))
                #expect(cluster.run(["fault", "kill", leader.name]).status == 0)
                client.tell("killed")
            }
            #expect(result.status == 0, "\(result.output)\(result.errors)")
        }

        /// The node that serves a client is killed and started again, then the leader: the client's lock excludes another client all the
        /// while, and what it had written and not committed is written again.
        @Test(arguments: ["4.1", "4.0"]) func locksOutliveTheirServer(version: String) async throws {
            let cluster = try LocalCluster(regions: ["a"], nodesPerRegion: 3)
            defer { cluster.end() }
            let made = cluster.run(["nfs", "create", "share", "--primary", "a"])
            let id = try #require(made.output.firstMatch(of: /sv-\w{22}/).flatMap { FilesystemID(String($0.output)) }, "\(made)")
            let hasLeader = await LocalCluster.eventually { await cluster.leader(of: id) != nil }
            #expect(hasLeader)
            let leader = try #require(await cluster.leader(of: id))
            let others = cluster.nodes.filter { $0.name != leader.name }
            let client = try KernelClient(cluster, servers: others.map(\.nfs))
            let result = try await client.run(
                """
                mount_nfs \(version) 1 share /mnt/a; mount_nfs 4.1 2 share /mnt/b
                head -c 6000000 /dev/urandom > /dev/shm/dirty
                exec 8<>/mnt/a/f; flock -n -x 8; exec 9<>/mnt/b/f; refused flock -n -x 9
                exec 7>/mnt/a/dirty; head -c 3000000 /dev/shm/dirty >&7
                : > $SHARED/ready; await restarted
                refused flock -n -x 9
                tail -c 3000000 /dev/shm/dirty >&7; exec 7>&-; cmp /dev/shm/dirty /mnt/b/dirty
                echo x >&8; refused flock -n -x 9
                : > $SHARED/again; await killed
                echo y >&8; refused flock -n -x 9
                flock -u 8; flock -w 60 -x 9; refused flock -n -x 8
                [ "$(cat /mnt/b/f)" = $'x\\ny' ]
                """
            ) {
                #expect(await client.made("ready"))
                #expect(cluster.run(["fault", "kill", others[0].name]).status == 0)
                let restart = cluster.run(["fault", "restart", others[0].name])
                #expect(restart.status == 0, "\(restart.errors)")
                client.tell("restarted")
                #expect(await client.made("again"))
                let clients = cluster.run(["nfs", "clients"])
                #expect(clients.output.contains("share\tLinux NFSv\(version)") && clients.output.contains("127.0.0.1\t4."), "\(clients)")
                let locks = cluster.run(["nfs", "locks", "share"])
                #expect(locks.output.contains("0..end\twrite\tLinux NFSv\(version)"), "\(locks)")
                #expect(cluster.run(["nfs", "locks", "share", "--json"]).output.contains("exclusive"))
                #expect(cluster.run(["fault", "kill", leader.name]).status == 0)
                client.tell("killed")
            }
            #expect(result.status == 0, "\(result.output)\(result.errors)")
        }
    }
}
