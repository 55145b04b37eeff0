// The plan that promises nothing: Gin, SQLite that syncs nothing unless it is told to, and a channel as its queue.
//
// It takes the same requests as the service and answers about the same. What a kill or a power cut meets in the
// channel, in a running call or in the caches of the disk is lost. An image is written as it came: it is neither
// decoded nor checked, has no thumbnail, and a search is a LIKE over all prompts.
package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	_ "github.com/mattn/go-sqlite3"
)

const (
	maxConnections = 8
	queueSize      = 1_000_000
	pageSize       = 20
	options        = "?_journal_mode=WAL&_busy_timeout=10000&_txlock=immediate&_synchronous="
	schema         = `
CREATE TABLE IF NOT EXISTS tasks (
	task_id TEXT PRIMARY KEY, prompt TEXT NOT NULL, provider TEXT NOT NULL, model_id TEXT NOT NULL,
	params TEXT NOT NULL, status TEXT NOT NULL, error TEXT, created_at TEXT NOT NULL, completed_at TEXT);
CREATE INDEX IF NOT EXISTS tasks_by_status ON tasks (status, created_at);
CREATE TABLE IF NOT EXISTS images (
	id INTEGER PRIMARY KEY AUTOINCREMENT, task_id TEXT NOT NULL, prompt TEXT NOT NULL, provider TEXT NOT NULL,
	model_id TEXT NOT NULL, path TEXT NOT NULL, mime_type TEXT NOT NULL, size_bytes INTEGER NOT NULL,
	sha256 TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS images_by_task ON images (task_id);`
	insertTask = `INSERT INTO tasks (task_id, prompt, provider, model_id, params, status, created_at)
VALUES (?, ?, ?, ?, ?, 'pending', ?)`
	startTask   = `UPDATE tasks SET status = 'processing' WHERE task_id = ?`
	endTask     = `UPDATE tasks SET status = ?, error = ?, completed_at = ? WHERE task_id = ?`
	insertImage = `INSERT INTO images
(task_id, prompt, provider, model_id, path, mime_type, size_bytes, sha256, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
	columns = `SELECT id, task_id, prompt, provider, model_id, mime_type, size_bytes, sha256, created_at FROM images `
	matches = `WHERE prompt LIKE '%' || ? || '%' `
	newest  = `ORDER BY id DESC LIMIT ? OFFSET ?`
)

type params struct {
	Prompt string `json:"prompt" binding:"required,max=10000"`
}

type submission struct {
	Provider string `json:"provider" binding:"required"`
	ModelID  string `json:"model_id" binding:"required,max=256"`
	Params   params `json:"params" binding:"required"`
}

type task struct {
	id string
	submission
}

type image struct {
	ID           int64  `json:"id"`
	TaskID       string `json:"task_id"`
	Prompt       string `json:"prompt"`
	Provider     string `json:"provider"`
	ModelID      string `json:"model_id"`
	ImageURL     string `json:"image_url"`
	ThumbnailURL string `json:"thumbnail_url"`
	MimeType     string `json:"mime_type"`
	SizeBytes    int64  `json:"size_bytes"`
	SHA256       string `json:"sha256"`
	CreatedAt    string `json:"created_at"`
}

type service struct {
	db       *sql.DB
	queue    chan task
	upstream string
	folder   string
}

func main() {
	folder := flag.String("data-dir", "data", "")
	upstream := flag.String("upstream", "", "URL of what makes the images")
	workers := flag.Int("workers", 100, "")
	prompts := flag.String("prompts", "", "a file; the gallery gets a record for each of its lines")
	synchronous := flag.String("synchronous", "OFF", "SQLite's: OFF, or FULL for a sync with each commit")
	flag.Parse()
	s := &service{queue: make(chan task, queueSize), upstream: *upstream, folder: *folder}
	must(os.MkdirAll(filepath.Join(s.folder, "images"), 0o700))
	var err error
	s.db, err = sql.Open("sqlite3", "file:"+filepath.Join(s.folder, "imagegen.db")+options+*synchronous)
	must(err)
	s.db.SetMaxOpenConns(maxConnections)
	s.db.SetMaxIdleConns(maxConnections)
	_, err = s.db.Exec(schema)
	must(err)
	if *prompts != "" {
		must(s.fill(*prompts))
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = *workers
	client := &http.Client{Transport: transport, Timeout: 10 * time.Minute}
	for range *workers {
		go s.work(client)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	must(http.Serve(listener, s.routes()))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func (s *service) routes() http.Handler {
	gin.SetMode(gin.ReleaseMode)
	gin.DefaultWriter = os.Stderr // each request has its line in the log
	router := gin.Default()
	router.POST("/api/v1/tasks/generate", s.accept)
	router.GET("/api/v1/images", s.list)
	router.GET("/api/v1/images/search", s.list)
	router.GET("/api/v1/images/:id", s.record)
	return router
}

func answer(c *gin.Context, status int, message string, data any) {
	content, _ := json.Marshal(gin.H{"code": status, "message": message, "data": data})
	c.Header("Content-Length", strconv.Itoa(len(content))) // the callers read no chunks
	c.Data(status, "application/json; charset=utf-8", content)
}

func (s *service) accept(c *gin.Context) {
	t := task{id: newID()}
	if err := c.ShouldBindJSON(&t.submission); err != nil {
		answer(c, http.StatusBadRequest, err.Error(), nil)
		return
	}
	values, _ := json.Marshal(t.Params)
	_, err := s.db.Exec(insertTask, t.id, t.Params.Prompt, t.Provider, t.ModelID, string(values), now())
	if err != nil {
		answer(c, http.StatusInternalServerError, err.Error(), nil)
		return
	}
	select {
	case s.queue <- t:
	default:
		answer(c, http.StatusServiceUnavailable, "the queue is full", nil)
		return
	}
	url := "/api/v1/tasks/" + t.id
	urls := gin.H{"self": url, "events": url + "/events", "cancel": url + "/cancel"}
	answer(c, http.StatusAccepted, "accepted", gin.H{"task_id": t.id, "status": "pending", "urls": urls})
}

func (s *service) record(c *gin.Context) {
	images, err := s.images(columns+"WHERE id = ?", c.Param("id"))
	switch {
	case err != nil:
		answer(c, http.StatusInternalServerError, err.Error(), nil)
	case len(images) == 0:
		answer(c, http.StatusNotFound, "no such image", nil)
	default:
		answer(c, http.StatusOK, "ok", images[0])
	}
}

// Lists a page of all images, or of those with the keyword in their prompts.
func (s *service) list(c *gin.Context) {
	page, err := strconv.Atoi(c.DefaultQuery("page", "1"))
	if err != nil || page < 1 {
		answer(c, http.StatusBadRequest, "page: a number from 1", nil)
		return
	}
	where, values := "", []any{}
	if keyword := c.Query("keyword"); keyword != "" {
		where, values = matches, []any{keyword}
	}
	var total int64
	err = s.db.QueryRow("SELECT count(*) FROM images "+where, values...).Scan(&total)
	if err != nil {
		answer(c, http.StatusInternalServerError, err.Error(), nil)
		return
	}
	images, err := s.images(columns+where+newest, append(values, pageSize, (page-1)*pageSize)...)
	if err != nil {
		answer(c, http.StatusInternalServerError, err.Error(), nil)
		return
	}
	answer(c, http.StatusOK, "ok", gin.H{"items": images, "total": total, "page": page, "size": pageSize})
}

func (s *service) images(query string, values ...any) ([]image, error) {
	rows, err := s.db.Query(query, values...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	images := make([]image, 0, pageSize)
	for rows.Next() {
		var i image
		err := rows.Scan(&i.ID, &i.TaskID, &i.Prompt, &i.Provider, &i.ModelID, &i.MimeType, &i.SizeBytes,
			&i.SHA256, &i.CreatedAt)
		if err != nil {
			return nil, err
		}
		i.ImageURL = fmt.Sprintf("/api/v1/images/%d/content", i.ID)
		i.ThumbnailURL = fmt.Sprintf("/api/v1/images/%d/thumbnail", i.ID)
		images = append(images, i)
	}
	return images, rows.Err()
}

func (s *service) work(client *http.Client) {
	for t := range s.queue {
		if _, err := s.db.Exec(startTask, t.id); err != nil {
			log.Print(err)
		}
		status, text := "completed", sql.NullString{}
		if err := s.run(client, t); err != nil {
			status, text = "failed", sql.NullString{String: err.Error(), Valid: true}
		}
		if _, err := s.db.Exec(endTask, status, text, now(), t.id); err != nil {
			log.Print(err)
		}
	}
}

// Calls the upstream, writes the image to a file and inserts its record.
func (s *service) run(client *http.Client, t task) error {
	body, _ := json.Marshal(gin.H{"model": t.ModelID, "prompt": t.Params.Prompt})
	response, err := client.Post(s.upstream+"/make", "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("upstream answered %d", response.StatusCode)
	}
	var made struct {
		Inline []struct{ Data string }
	}
	if err := json.NewDecoder(response.Body).Decode(&made); err != nil {
		return err
	}
	if len(made.Inline) == 0 {
		return fmt.Errorf("no image in the response")
	}
	content, err := base64.StdEncoding.DecodeString(made.Inline[0].Data)
	if err != nil {
		return err
	}
	path := filepath.Join(s.folder, "images", t.id+".jpg")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return err
	}
	digest := fmt.Sprintf("%x", sha256.Sum256(content))
	_, err = s.db.Exec(insertImage, t.id, t.Params.Prompt, t.Provider, t.ModelID, path, "image/jpeg", len(content),
		digest, now())
	return err
}

func (s *service) fill(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	transaction, err := s.db.Begin()
	if err != nil {
		return err
	}
	defer transaction.Rollback()
	insert, err := transaction.Prepare(insertImage)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		id := newID()
		digest := fmt.Sprintf("%x", sha256.Sum256([]byte(id)))
		path := filepath.Join(s.folder, "images", id+".jpg")
		_, err := insert.Exec(id, lines.Text(), "demo", "demo-1", path, "image/jpeg", 1_500_000, digest, now())
		if err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return transaction.Commit()
}

func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails since Go 1.24
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func now() string { return time.Now().UTC().Format("2006-01-02T15:04:05.000Z") }
