// hnswlib beside bench_index.c, with the same manners: index.py drives both.
//
//   index_hnsw ROWS.f16 COUNT FILE THREADS   makes FILE, or opens it with THREADS 0
//   search QUERIES.f32 EF K KEEP OUT.i32     a line of standard input; KEEP n: ids that a hash drops are left out after
//                                            a search for EF, since this version has no filter
//   resident                                 bytes of this process
#include <hnswlib/hnswlib.h>
#include <immintrin.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <thread>

static const int DIM = 512, M = 16, EF_CONSTRUCTION = 200;

static double clock_of(clockid_t id) {
    timespec t;
    clock_gettime(id, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

template <typename T> static std::vector<T> read(const std::string &path, size_t most) {
    std::ifstream in(path, std::ios::binary | std::ios::ate);
    std::vector<T> values(std::min<size_t>(most, size_t(in.tellg()) / sizeof(T)));
    in.seekg(0).read(reinterpret_cast<char *>(values.data()), values.size() * sizeof(T));
    if (!in) throw std::runtime_error(path + ": cannot be read");
    return values;
}

__attribute__((target("f16c"))) static void widen(const uint16_t *from, float *to) {
    for (int i = 0; i < DIM; i += 8)
        _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i *>(from + i))));
}

static void build(hnswlib::SpaceInterface<float> *space, char **argv) {
    auto rows = read<uint16_t>(argv[1], size_t(atol(argv[2])) * DIM);
    size_t count = rows.size() / DIM;
    double wall = clock_of(CLOCK_MONOTONIC), cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID);
    hnswlib::HierarchicalNSW<float> graph(space, count, M, EF_CONSTRUCTION);
    std::atomic<size_t> next(0);
    std::vector<std::thread> threads;
    for (int t = 0; t < atoi(argv[4]); t++)
        threads.emplace_back([&] {
            std::vector<float> x(DIM);
            for (size_t i; (i = next++) < count;) {
                widen(&rows[i * DIM], x.data());
                graph.addPoint(x.data(), i);
            }
        });
    for (auto &thread : threads) thread.join();
    std::cout << "built " << clock_of(CLOCK_MONOTONIC) - wall << " " << clock_of(CLOCK_PROCESS_CPUTIME_ID) - cpu << std::endl;
    graph.saveIndex(argv[3]);
}

static std::vector<int32_t> find(hnswlib::HierarchicalNSW<float> &graph, const float *query, int ef, int k, unsigned keep) {
    auto queue = graph.searchKnn(query, keep > 1 ? ef : k);
    std::vector<int32_t> ids;
    for (; !queue.empty(); queue.pop()) {
        uint32_t id = uint32_t(queue.top().second);
        if (keep == 1 || (id * 2654435761u >> 8) % keep == 0) ids.push_back(int32_t(id));
    }
    std::reverse(ids.begin(), ids.end());
    ids.resize(k, -1);
    return ids;
}

static void search(hnswlib::HierarchicalNSW<float> &graph, std::istringstream &line) {
    std::string path, out;
    int ef, k;
    unsigned keep;
    line >> path >> ef >> k >> keep >> out;
    auto queries = read<float>(path, SIZE_MAX);
    std::ofstream file(out, std::ios::binary);
    std::vector<double> times;
    graph.setEf(ef);
    for (int warm = 1; warm >= 0; warm--)
        for (size_t i = 0; i < queries.size(); i += DIM) {
            double start = clock_of(CLOCK_THREAD_CPUTIME_ID);
            auto ids = find(graph, &queries[i], ef, k, keep);
            if (warm) continue;
            times.push_back((clock_of(CLOCK_THREAD_CPUTIME_ID) - start) * 1e3);
            file.write(reinterpret_cast<char *>(ids.data()), k * 4);
        }
    double sum = 0;
    for (double time : times) sum += time;
    std::sort(times.begin(), times.end());
    std::cout << sum / times.size() << " " << times[times.size() / 2] << std::endl;
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    hnswlib::InnerProductSpace space(DIM);
    if (atoi(argv[4])) build(&space, argv);
    hnswlib::HierarchicalNSW<float> graph(&space, std::string(argv[3]));
    std::cout << "ready" << std::endl;
    for (std::string line, verb; std::getline(std::cin, line);) {
        std::istringstream words(line);
        words >> verb;
        if (verb == "search") search(graph, words);
        else {
            long size = 0, pages = 0;
            std::ifstream("/proc/self/statm") >> size >> pages;
            std::cout << pages * sysconf(_SC_PAGESIZE) << std::endl;
        }
    }
}
